"""The read-api as a process of its own: chooses the adapters, and follows the journal or a PRIMARY."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

from aiohttp import web

from horde_model_reference.events import CatalogCommitted
from read_api.answers import RevisionStamp
from read_api.archive import Archive
from read_api.catalogue_metrics import CatalogueMetrics
from read_api.endpoints import add_read_routes
from read_api.history_metrics import HistoryMetrics
from read_api.holder import PageHolder
from read_api.live.feed import LiveFeed
from read_api.long_lived import spare_the_collector
from read_api.replica.opening import Surroundings, replicating
from read_api.replica.source import OnCopy, nothing_to_do
from read_api.role import Role
from read_api.settings import ReadApiSettings
from read_api.shortcut import DocumentShortcut
from read_api.status_desk import Around, StatusDesk
from registry.blobs import Blobs
from registry.checkpoints import Checkpoints
from registry.content import CatalogueContent
from registry.follower import Follower
from registry.journal import Journal
from service_kit.background import running
from service_kit.buses import bus_check, open_event_bus
from service_kit.cache import Cache
from service_kit.errors import NotReady
from service_kit.event_bus import EventBus
from service_kit.head_nudge import nudging
from service_kit.health import Check, add_health_routes
from service_kit.object_store import ObjectStore
from service_kit.revision_lag import RevisionLag
from service_kit.stores import open_cache, open_object_store
from service_kit.telemetry import Telemetry
from service_kit.web import TELEMETRY, create_application

SERVICE: Final = "read-api"

StoreOpener = Callable[[ReadApiSettings, Telemetry], AbstractAsyncContextManager[ObjectStore]]
CacheOpener = Callable[[ReadApiSettings, Telemetry], AbstractAsyncContextManager[Cache]]
BusOpener = Callable[[ReadApiSettings, Telemetry], AbstractAsyncContextManager[EventBus]]


def store_from_settings(
    settings: ReadApiSettings, telemetry: Telemetry
) -> AbstractAsyncContextManager[ObjectStore]:
    """Open the object store that the settings name."""
    return open_object_store(settings.data_dir, settings.s3, telemetry, read_only=True)


def cache_from_settings(
    settings: ReadApiSettings, telemetry: Telemetry
) -> AbstractAsyncContextManager[Cache]:
    """Open the cache that the settings name."""
    return open_cache(settings.redis, telemetry)


def bus_from_settings(
    settings: ReadApiSettings, telemetry: Telemetry
) -> AbstractAsyncContextManager[EventBus]:
    """Open the event bus that the settings name."""
    return open_event_bus(settings.amqp, telemetry)


def create_app(
    settings: ReadApiSettings,
    *,
    store_opener: StoreOpener = store_from_settings,
    cache_opener: CacheOpener = cache_from_settings,
    bus_opener: BusOpener = bus_from_settings,
) -> web.Application:
    """Build a fresh application; two in one process do not see each other. Tests pass openers.

    It answers 503 until the first revision is loaded, and starts although the store is down.
    """
    telemetry = Telemetry(SERVICE)
    holder = PageHolder()
    role = Role(settings.canonical_format, settings.replicate_mode)
    application = create_application(
        settings, telemetry, on_response=RevisionStamp(holder), shortcut=DocumentShortcut(holder)
    )
    if not role.is_primary:
        add_replica(application, StatusDesk(holder, role), settings, cache_opener=cache_opener)
        return application
    opened: list[EventBus] = []
    desk = StatusDesk(holder, role)

    async def follow(_: web.Application) -> AsyncIterator[None]:
        async with (
            store_opener(settings, telemetry) as store,
            cache_opener(settings, telemetry) as cache,
            bus_opener(settings, telemetry) as bus,
            following(holder, store, cache, poll_seconds=settings.head_poll_seconds, bus=bus),
            desk.staffed(settings, telemetry, Around(bus, store, cache)),
        ):
            opened.append(bus)
            yield

    async def events() -> None:
        if opened:
            await bus_check(opened[0]).run()

    application.cleanup_ctx.append(follow)
    events_check = Check("events", events, required=False)
    add_read_side(application, holder, settings, events_check, role=role, desk=desk)
    return application


def add_replica(
    application: web.Application,
    desk: StatusDesk,
    settings: ReadApiSettings,
    *,
    cache_opener: CacheOpener = cache_from_settings,
    on_first_copy: OnCopy = nothing_to_do,
) -> None:
    """Add the read side of a replica to an application, and what keeps it at its PRIMARY."""
    telemetry, holder, role = application[TELEMETRY], desk.holder, desk.role

    async def replicate(_: web.Application) -> AsyncIterator[None]:
        async with (
            cache_opener(settings, telemetry) as cache,
            replicating(holder, role, settings, Surroundings(telemetry, cache, on_first_copy)),
            desk.staffed(settings, telemetry, Around(cache=cache)),
        ):
            yield

    application.cleanup_ctx.append(replicate)
    add_read_side(application, holder, settings, primary_check(holder), role=role, desk=desk)


def add_read_side(
    application: web.Application,
    holder: PageHolder,
    settings: ReadApiSettings,
    *checks: Check,
    role: Role | None = None,
    details: Callable[[], Mapping[str, object]] = dict,
    desk: StatusDesk | None = None,
) -> None:
    """Add what the read side shows to an application: its routes, its health, its metrics, its live feed.

    `role` is given where it can change, `desk` where it is staffed; `details` is what `/ready` says besides.
    """
    role = role or Role(settings.canonical_format, settings.replicate_mode)
    desk = desk or StatusDesk(holder, role)
    desk.checks = (loaded_check(holder), *checks)
    feed = LiveFeed(holder, settings.events)
    application.cleanup_ctx.append(feed.running)
    application.on_shutdown.append(feed.end)
    application.cleanup_ctx.append(desk.watch.running)
    add_read_routes(
        application,
        holder,
        feed,
        role,
        desk,
        min_revision_wait_seconds=settings.min_revision_wait_seconds,
    )
    add_health_routes(application, desk.checks, details=details)
    metrics = CatalogueMetrics(holder, "journal" if role.is_primary else "primary", desk.find_unseeded)
    application[TELEMETRY].registry.register(metrics)
    application[TELEMETRY].registry.register(HistoryMetrics(holder, feed))
    _measure_lag(holder, application[TELEMETRY])


def _measure_lag(holder: PageHolder, telemetry: Telemetry) -> None:
    lag = RevisionLag(telemetry.revision_lag, "catalogue")

    def note(content: CatalogueContent | None) -> None:
        if content is not None:
            lag.reached(content.revision, content.committed_at)

    holder.on_content(note)


@contextlib.asynccontextmanager
async def following(
    holder: PageHolder,
    store: ObjectStore,
    cache: Cache,
    *,
    poll_seconds: float,
    bus: EventBus | None = None,
) -> AsyncIterator[Follower]:
    """Keep the holder at the head of the journal in the store, until the end of the context.

    With a bus new revisions are seen at once; without one, or while it is away, at the interval.
    """
    holder.use_cache(cache)
    journal, blobs = Journal(store), Blobs(store)
    follower = Follower(
        journal,
        blobs,
        Checkpoints(store, journal),
        holder.publish,
        poll_seconds=poll_seconds,
    )
    follower.on_state(lambda _: holder.note_state())
    archive = Archive(journal, blobs, lambda: follower.state)
    holder.attach(follower, archive)
    work = running(follower.run(), holder.polish_forever(), spare_the_collector(holder))
    try:
        async with work, _nudged(follower, bus):
            yield follower
    finally:
        await archive.close()
        holder.close()


def _nudged(follower: Follower, bus: EventBus | None) -> AbstractAsyncContextManager[None]:
    if bus is None:
        return contextlib.nullcontext()
    topics = (CatalogCommitted.routing_key,)
    return nudging(bus, topics, follower.nudge, lambda: follower.state.sequence)


def loaded_check(holder: PageHolder) -> Check:
    """Return the check that something is being served."""

    async def loaded() -> None:
        if holder.pages is None:
            source = holder.source
            raise NotReady(f"nothing is loaded yet: {source.failure if source else 'no source'}")

    return Check("catalogue", loaded)


def primary_check(holder: PageHolder) -> Check:
    """Return the check that a replica is at its PRIMARY; what it has is served in any case."""

    async def followed() -> None:
        if holder.source is not None and holder.source.failure is not None:
            raise holder.source.failure

    return Check("primary", followed, required=False)
