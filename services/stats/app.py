"""The stats service as a process of its own: chooses the adapters, and follows the journal."""

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final

from aiohttp import web

from horde_model_reference.events import CatalogCommitted
from horde_model_reference.meta_consts import ReplicateMode
from registry.blobs import Blobs
from registry.checkpoints import Checkpoints
from registry.content import CatalogueContent
from registry.follower import Follower
from registry.journal import Journal
from service_kit.background import running
from service_kit.buses import bus_check, open_event_bus
from service_kit.endpoints import Handler, add_endpoints
from service_kit.errors import NotReady
from service_kit.head_nudge import nudging
from service_kit.health import Check, add_health_routes
from service_kit.instance_reports import Identity
from service_kit.min_revision import waiting_for_revision
from service_kit.settings import ENV_PREFIX, SettingsInvalid
from service_kit.stores import open_cache, open_lease, open_object_store
from service_kit.telemetry import Telemetry
from service_kit.web import create_application
from stats.answers import ResultStamp
from stats.endpoints import stats_endpoints
from stats.engine import StatsEngine
from stats.instance_facts import reported
from stats.opening import Neighbours, StatsSide, computing
from stats.settings import StatsSettings
from stats.shortcut import StatsShortcut

SERVICE: Final = "stats"
FIRST_WAIT_SECONDS: Final = 3.0

NeighboursOpener = Callable[[StatsSettings, Telemetry], AbstractAsyncContextManager[Neighbours]]


@contextlib.asynccontextmanager
async def neighbours_from_settings(
    settings: StatsSettings, telemetry: Telemetry
) -> AsyncIterator[Neighbours]:
    """Open everything that the settings name."""
    async with AsyncExitStack() as stack:
        yield Neighbours(
            await stack.enter_async_context(open_object_store(settings.data_dir, settings.s3, telemetry)),
            await stack.enter_async_context(open_cache(settings.redis, telemetry)),
            await stack.enter_async_context(open_event_bus(settings.amqp, telemetry)),
            await stack.enter_async_context(open_lease(settings.redis, telemetry)),
        )


def create_app(
    settings: StatsSettings, *, opener: NeighboursOpener = neighbours_from_settings
) -> web.Application:
    """Build a fresh application; two in one process do not see each other. Tests pass an opener.

    It answers 503 until the first revision is loaded, and starts although its neighbours are down. Raises
    `SettingsInvalid` for a replica, which has no journal.
    """
    if settings.replicate_mode is not ReplicateMode.PRIMARY:
        raise SettingsInvalid(f"{ENV_PREFIX}REPLICATE_MODE: of a REPLICA only `serve` has statistics")
    telemetry = Telemetry(SERVICE)
    side = StatsSide(settings, telemetry)
    application = create_application(
        settings, telemetry, on_response=ResultStamp(side.engine), shortcut=StatsShortcut(side.engine)
    )
    opened: list[Neighbours] = []
    own_checks = (results_check(side), horde_check(side))

    async def work(_: web.Application) -> AsyncIterator[None]:
        async with (
            opener(settings, telemetry) as neighbours,
            _following(side, neighbours, settings) as follower,
        ):
            opened.append(neighbours)
            async with (
                computing(side, settings, neighbours, follower, telemetry),
                reported(Identity(SERVICE), side, settings, neighbours, *own_checks),
            ):
                yield

    async def events() -> None:
        if opened:
            await bus_check(opened[0].bus).run()

    application.cleanup_ctx.append(work)
    add_stats_side(application, side, settings)
    add_health_routes(application, [*own_checks, Check("events", events, required=False)])
    return application


def add_stats_side(application: web.Application, side: StatsSide, settings: StatsSettings) -> None:
    """Add the routes of the statistics to an application."""
    wait = waiting_for_revision(side.engine, settings.min_revision_wait_seconds)

    def wrap(handler: Handler) -> Handler:
        return _starting(side.engine, wait(handler))

    add_endpoints(application, stats_endpoints(side), wrap=wrap)


def _starting(engine: StatsEngine, handler: Handler) -> Handler:
    """Make a handler wait while the first results are being built: that takes a moment."""

    async def starting(request: web.Request) -> web.StreamResponse:
        if engine.results is None:
            await engine.until_first(FIRST_WAIT_SECONDS)
        return await handler(request)

    return starting


def results_check(side: StatsSide) -> Check:
    """Return the check that something is being served."""

    async def loaded() -> None:
        side.engine.current()

    return Check("results", loaded)


def horde_check(side: StatsSide) -> Check:
    """Return the check that the AI-Horde answers; without it old figures are served, or none."""

    async def answered() -> None:
        state = side.feed.state if side.feed is not None else None
        if state is not None and state.consecutive_failures:
            raise NotReady(f"the AI-Horde failed {state.consecutive_failures} times in a row")

    return Check("ai_horde", answered, required=False)


@contextlib.asynccontextmanager
async def _following(
    side: StatsSide, neighbours: Neighbours, settings: StatsSettings
) -> AsyncIterator[Follower]:
    """Hand every new catalogue to the engine, until the end of the context."""

    async def take(content: CatalogueContent | None) -> None:
        side.engine.take(content)

    journal = Journal(neighbours.store)
    follower = Follower(
        journal,
        Blobs(neighbours.store),
        Checkpoints(neighbours.store, journal),
        take,
        poll_seconds=settings.head_poll_seconds,
    )
    topics = (CatalogCommitted.routing_key,)
    nudged = nudging(neighbours.bus, topics, follower.nudge, lambda: follower.state.sequence)
    async with running(follower.run()), nudged:
        yield follower
