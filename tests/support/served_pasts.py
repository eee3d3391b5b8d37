"""A journal in memory, followed and served on loopback as the read-api does it."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from read_api.answers import RevisionStamp
from read_api.app import add_read_side, following
from read_api.holder import PageHolder
from read_api.settings import EventsSettings, ReadApiSettings
from read_api.shortcut import DocumentShortcut
from registry.follower import Follower
from service_kit.memory_cache import MemoryCache
from service_kit.telemetry import Telemetry
from service_kit.web import create_application
from support.histories import Past
from support.serving import Answer, Client, serving

V1, V2 = "/api/model_references/v1", "/api/model_references/v2"


class ServedPast:
    """What a test needs of a served journal."""

    def __init__(self, past: Past, client: Client, follower: Follower) -> None:
        self.past = past
        self.client = client
        self._follower = follower

    async def reached(self) -> None:
        """Wait until the newest revision of the journal is served."""
        assert await self._follower.wait_for_revision(self.past.state.revision, 60)

    async def ask(self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a path, without a content coding unless the headers name one."""
        return await self.client.ask(path, method, headers={"Accept-Encoding": "identity", **(headers or {})})

    async def get(self, path: str) -> Any:
        """GET a path below v2 and return the JSON of the 200."""
        answer = await self.ask(f"{V2}{path}")
        assert answer.status == 200, answer.body
        return answer.json


@contextlib.asynccontextmanager
async def served(
    past: Past, *, poll_seconds: float = 0.02, shutdown_seconds: float = 1.0, **events: Any
) -> AsyncIterator[ServedPast]:
    """Serve it; new revisions are seen within some 50 ms. `events` are settings of the live feed."""
    holder = PageHolder()
    settings = ReadApiSettings(
        access_log=False, min_revision_wait_seconds=0.3, events=EventsSettings(**events)
    )
    application = create_application(
        settings, Telemetry("read-api"), on_response=RevisionStamp(holder), shortcut=DocumentShortcut(holder)
    )
    add_read_side(application, holder, settings)
    async with (
        following(holder, past.store, MemoryCache(), poll_seconds=poll_seconds) as follower,
        serving(application, shutdown_seconds=shutdown_seconds) as client,
    ):
        await holder.loaded()
        yield ServedPast(past, client, follower)
