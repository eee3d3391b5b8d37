"""The read-api over a journal in memory, beside an AI-Horde, and a client that asks for its status."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestServer

from horde_model_reference.events import InstanceReported
from read_api.app import create_app
from read_api.settings import ReadApiSettings
from service_kit.memory_event_bus import MemoryEventBus
from support.contents import a_record
from support.event_listeners import PATIENCE_SECONDS
from support.histories import Past
from support.serving import Answer, Client, serving
from support.some_horde import SomeHorde

STATUS = "/api/status"
APPROVERS = {"requestor_ids": ("101",), "approver_ids": ("202",)}


class Statuses:
    """`bus` is what other instances report on; `horde` knows the keys."""

    def __init__(self, client: Client, bus: MemoryEventBus, horde: SomeHorde) -> None:
        self.client = client
        self.bus = bus
        self.horde = horde

    def report(self, report: InstanceReported) -> None:
        self.bus.publish(report.routing_key, report.render())

    async def ask(self, key: str | None = None, method: str = "GET", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        keyed = named if key is None else {**named, "apikey": key}
        return await self.client.ask(STATUS, method, headers=keyed)

    async def get(self, key: str | None = None) -> Any:
        answer = await self.ask(key)
        assert answer.status == 200, answer.body
        return answer.json

    async def until(self, is_so: Callable[[Any], bool]) -> Any:
        """Wait until the status is as it should be, and return it."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so(found := await self.get()):  # noqa: ASYNC110 - it is a client
                await asyncio.sleep(0.02)
        return found


@contextlib.asynccontextmanager
async def statuses(data_dir: Path, past: Past | None = None, **values: Any) -> AsyncIterator[Statuses]:
    """Run the read-api on a journal with one record; settings are given by their names in Python."""
    horde, bus = SomeHorde(), MemoryEventBus()
    if past is None:
        past = Past()
        await past.seed({"clip": {"a": a_record("clip", "a")}})
    store = past.store
    async with TestServer(horde.application) as server:
        settings = ReadApiSettings.model_validate(
            {
                "AI_HORDE_URL": str(server.make_url("/api/")),
                "pending_queue": APPROVERS,
                "data_dir": data_dir,
                "head_poll_seconds": 0.05,
                "access_log": False,
                **values,
            }
        )
        application = create_app(
            settings,
            store_opener=lambda *_: contextlib.nullcontext(store),
            bus_opener=lambda *_: contextlib.nullcontext(bus),
        )
        async with serving(application) as client:
            yield Statuses(client, bus, horde)
