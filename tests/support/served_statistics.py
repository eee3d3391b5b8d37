"""The statistics over HTTP, with figures in the hands of a test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from registry.content import CatalogueContent
from service_kit.telemetry import Telemetry
from service_kit.web import create_application
from stats.answers import ResultStamp
from stats.app import add_stats_side
from stats.opening import StatsSide
from stats.settings import StatsSettings
from stats.shortcut import StatsShortcut
from support.live_figures import ScriptedRuntime
from support.revision_sources import ScriptedSource
from support.serving import Answer, Client, serving

STATISTICS = "/api/model_references/statistics"


@dataclass
class Served:
    """A client, and what answers it."""

    client: Client
    side: StatsSide
    runtime: ScriptedRuntime
    source: ScriptedSource

    async def ask(
        self, path: str, method: str = "GET", *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask for something, unpacked unless the headers say otherwise."""
        return await self.client.ask(path, method, headers={"Accept-Encoding": "identity", **(headers or {})})

    async def until_live(self, *categories: str) -> None:
        """Wait until figures of these categories are served."""
        engine = self.side.engine
        async with asyncio.timeout(30):
            while not set(categories) <= engine.figures().keys():  # noqa: ASYNC110
                await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def statistics_of(
    content: CatalogueContent | None,
    runtime: ScriptedRuntime | None = None,
    *,
    with_shortcut: bool = True,
    min_revision_wait_seconds: float = 5.0,
) -> AsyncIterator[Served]:
    """Serve the statistics of a catalogue and of figures. None: there is no catalogue yet."""
    settings = StatsSettings(
        data_dir=Path("/nowhere"),
        access_log=False,
        min_revision_wait_seconds=min_revision_wait_seconds,
    )
    telemetry = Telemetry("stats")
    side, source, figures = StatsSide(settings, telemetry), ScriptedSource(), runtime or ScriptedRuntime()
    side.engine.attach(source, figures)
    if content is not None:
        side.engine.take(content)
    building = asyncio.create_task(side.engine.run())
    try:
        async with serving(_application(side, settings, telemetry, with_shortcut=with_shortcut)) as client:
            await side.engine.until_first(5)
            yield Served(client, side, figures, source)
    finally:
        building.cancel()
        await asyncio.gather(building, return_exceptions=True)


def _application(
    side: StatsSide, settings: StatsSettings, telemetry: Telemetry, *, with_shortcut: bool
) -> web.Application:
    shortcut = StatsShortcut(side.engine) if with_shortcut else None
    application = create_application(
        settings, telemetry, on_response=ResultStamp(side.engine), shortcut=shortcut
    )
    add_stats_side(application, side, settings)
    return application
