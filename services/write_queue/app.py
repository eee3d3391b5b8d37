"""The write-queue as a process of its own: chooses the adapters, proves the store, and opens the queue."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from typing import Final

from aiohttp import hdrs, web

from registry.signatures import signer_of
from registry.unseeded import Pauses
from service_kit.buses import bus_check, open_event_bus
from service_kit.endpoints import Handler, add_endpoints
from service_kit.event_bus import EventBus
from service_kit.health import Check, add_health_routes
from service_kit.instance_reports import Identity
from service_kit.object_store import ObjectStore
from service_kit.problems import NO_STORE
from service_kit.rate_limit import RateLimiter
from service_kit.revision_headers import X_REVISION
from service_kit.stores import open_object_store, open_rate_limiter
from service_kit.telemetry import Telemetry
from service_kit.web import TELEMETRY, create_application
from write_queue.endpoints import write_endpoints
from write_queue.instance_facts import journal_check, reported
from write_queue.metrics import QueueMetrics
from write_queue.modes import Modes
from write_queue.opening import Neighbours, OnUnusable, prove_store, working
from write_queue.settings import WriteQueueSettings
from write_queue.unseeded import seed_standing, seeding
from write_queue.write_side import UntilServed, WriteSide, served_elsewhere

SERVICE: Final = "write-queue"
START_WAIT_SECONDS: Final = 3.0

StoreOpener = Callable[[WriteQueueSettings, Telemetry], AbstractAsyncContextManager[ObjectStore]]
BusOpener = Callable[[WriteQueueSettings, Telemetry], AbstractAsyncContextManager[EventBus]]
LimiterOpener = Callable[[WriteQueueSettings, Telemetry], AbstractAsyncContextManager[RateLimiter]]


def store_from_settings(
    settings: WriteQueueSettings, telemetry: Telemetry
) -> AbstractAsyncContextManager[ObjectStore]:
    """Open the object store that the settings name."""
    return open_object_store(settings.data_dir, settings.s3, telemetry)


def bus_from_settings(
    settings: WriteQueueSettings, telemetry: Telemetry
) -> AbstractAsyncContextManager[EventBus]:
    """Open the event bus that the settings name."""
    return open_event_bus(settings.amqp, telemetry)


def limiter_from_settings(
    settings: WriteQueueSettings, telemetry: Telemetry
) -> AbstractAsyncContextManager[RateLimiter]:
    """Open the rate limits that the settings name."""
    return open_rate_limiter(settings.rate_limits, settings.redis, telemetry)


def create_app(
    settings: WriteQueueSettings,
    *,
    store_opener: StoreOpener = store_from_settings,
    bus_opener: BusOpener = bus_from_settings,
    limiter_opener: LimiterOpener = limiter_from_settings,
    on_unusable: OnUnusable,
    seed_pauses: Pauses | None = None,
) -> web.Application:
    """Build a fresh application; two in one process do not see each other. Tests pass openers.

    It starts although the store is down, and answers 503 until the journal was read once. `on_unusable` is
    called when waiting cannot help: the store would let two writers win.
    """
    telemetry = Telemetry(SERVICE)
    side = side_of(settings)
    standing = seed_standing(telemetry)
    application = create_application(settings, telemetry, on_response=partial(_stamp, side))
    bus: list[EventBus] = []

    async def work(_: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(store_opener(settings, telemetry))
            bus.append(await stack.enter_async_context(bus_opener(settings, telemetry)))
            limiter = await stack.enter_async_context(limiter_opener(settings, telemetry))
            prove = partial(prove_store, store, on_unusable)
            signer = await asyncio.to_thread(signer_of, settings.signing.key_file)
            neighbours = Neighbours(store, bus[0], limiter, prove, signer)
            await stack.enter_async_context(working(side, settings, neighbours, telemetry))
            await stack.enter_async_context(
                seeding(side, settings, neighbours, standing, telemetry, pauses=seed_pauses)
            )
            await stack.enter_async_context(
                reported(Identity(SERVICE), side, settings, neighbours, standing.check)
            )
            yield

    async def events() -> None:
        if bus:
            await bus_check(bus[0]).run()

    application.cleanup_ctx.append(work)
    add_write_side(application, side)
    events_check = Check("events", events, required=False)
    add_health_routes(application, [journal_check(side), events_check, standing.check])
    return application


def side_of(settings: WriteQueueSettings, *, until_served: UntilServed = served_elsewhere) -> WriteSide:
    """Return the write side that the settings describe, not yet open."""
    return WriteSide(
        Modes(
            replicate_mode=settings.replicate_mode,
            canonical_format=settings.canonical_format,
            queue_enabled=settings.pending_queue.enabled,
            audit_enabled=settings.audit.enabled,
        ),
        until_served=until_served,
    )


def add_write_side(application: web.Application, side: WriteSide) -> None:
    """Add the routes of the write side to an application."""
    add_endpoints(application, write_endpoints(side), wrap=partial(_waiting, side))
    application[TELEMETRY].registry.register(QueueMetrics(lambda: side.known_state))


def _waiting(side: WriteSide, handler: Handler) -> Handler:
    """Make a handler wait while the instance is starting: that takes a moment, trying again takes longer."""

    async def waiting(request: web.Request) -> web.StreamResponse:
        if not side.is_open and side.failure is None:
            await side.until_open(START_WAIT_SECONDS)
        return await handler(request)

    return waiting


def _stamp(side: WriteSide, _request: web.Request, response: web.StreamResponse) -> None:
    """Tell with every answer, errors included, which revision is the newest known; keep none of them."""
    if X_REVISION not in response.headers and (revision := side.known_revision) is not None:
        response.headers[X_REVISION] = str(revision)
    response.headers.setdefault(hdrs.CACHE_CONTROL, NO_STORE)
