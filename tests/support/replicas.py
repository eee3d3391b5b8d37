"""A replica on loopback, as the read-api runs it, with short pauses."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from horde_model_reference.meta_consts import ReplicateMode
from horde_model_reference.replica.fetching import Fetcher
from read_api.answers import RevisionStamp
from read_api.app import add_read_side, primary_check
from read_api.holder import PageHolder
from read_api.replica.opening import Surroundings, replicating
from read_api.replica.source import ReplicaSource
from read_api.role import Role
from read_api.settings import ReadApiSettings
from read_api.shortcut import DocumentShortcut
from read_api.status_desk import Around, StatusDesk
from service_kit.instance_reports import ReportTiming
from service_kit.memory_cache import MemoryCache
from service_kit.telemetry import Telemetry
from service_kit.web import create_application
from support.event_listeners import eventually
from support.metrics import sample
from support.served_pasts import V2
from support.serving import Answer, Client, serving

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.4  # of a PRIMARY: one that looks more often counts as outdated whenever the machine is busy
REPORTS = ReportTiming(interval_seconds=0.2, look_seconds=0.05)
NO_GITHUB = "http://127.0.0.1:1"  # nothing listens there: refused at once


class Replica:
    """What a test needs of a replica that serves."""

    def __init__(
        self, client: Client, holder: PageHolder, source: ReplicaSource, telemetry: Telemetry
    ) -> None:
        self.client = client
        self.holder = holder
        self.source = source
        self.telemetry = telemetry

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.client.port}/api"

    async def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask for a path without a content coding; underscores in header names stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.ask(path, method, headers={"Accept-Encoding": "identity", **named})

    async def get(self, path: str) -> Any:
        """GET a path below v2 and return the JSON of the 200."""
        answer = await self.ask(f"{V2}{path}")
        assert answer.status == 200, answer.body
        return answer.json

    async def loaded(self) -> None:
        """Wait until something is served."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.holder.loaded()

    async def listens(self) -> None:
        """Wait until it hears the live feed of its PRIMARY."""
        await eventually(lambda: sample(self.telemetry, "replica_feed_attached") == 1)

    async def has(self, category: str, *names: str) -> None:
        """Wait until a category holds just these records."""
        await self.until(
            f"{V2}/{category}", lambda answer: answer.status == 200 and set(answer.json) == set(names)
        )

    async def in_step(self, *, stale: bool = False) -> None:
        """Wait until what is served is known to be current, or, if `stale`, is not."""
        await self.until(
            f"{V2}/lora", lambda answer: answer.status == 200 and ("X-Stale" in answer.headers) == stale
        )

    async def until(self, path: str, is_so: Callable[[Answer], bool]) -> None:
        """Wait until the answer to a GET is as it should be."""
        answer: Answer | None = None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not is_so(answer := await self.ask(path)):  # noqa: ASYNC110 - it is a client
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"still {answer}; {self.source.failure!r}") from None


@contextlib.asynccontextmanager
async def replica_of(
    url: str,
    data_dir: Path,
    *,
    github_url: str | None = None,
    lower_patience_seconds: float = 300.0,
    **settings: Any,
) -> AsyncIterator[Replica]:
    """Run a replica that looks five times a second; GitHub is looked for at `github_url` only."""
    given: Mapping[str, Any] = {
        "cache_ttl_seconds": 0.2,
        "enable_github_fallback": github_url is not None,
        "HORDE_MODEL_REFERENCE_GITHUB_PROXY_URL_BASE": github_url or NO_GITHUB,
        "min_revision_wait_seconds": 3.0,
        "primary_api_timeout": 20.0,
        **settings,
    }
    chosen = ReadApiSettings(
        replicate_mode=ReplicateMode.REPLICA,
        primary_api_url=url,
        data_dir=data_dir,
        access_log=False,
        **given,
    )
    holder, telemetry = PageHolder(), Telemetry("read-api")
    role = Role(chosen.canonical_format, chosen.replicate_mode)
    application = create_application(
        chosen, telemetry, on_response=RevisionStamp(holder), shortcut=DocumentShortcut(holder)
    )
    desk = StatusDesk(holder, role)
    add_read_side(application, holder, chosen, primary_check(holder), role=role, desk=desk)
    fetcher = Fetcher(timeout_seconds=chosen.primary_api_timeout, attempts=2, backoff_seconds=0.01)
    surroundings = Surroundings(
        telemetry, MemoryCache(), fetcher=fetcher, lower_patience_seconds=lower_patience_seconds
    )
    async with (
        replicating(holder, role, chosen, surroundings) as source,
        desk.staffed(chosen, telemetry, Around(), timing=REPORTS),
        serving(application) as client,
    ):
        yield Replica(client, holder, source, telemetry)
