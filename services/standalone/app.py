"""All services in one process: fills an empty journal, follows it, serves reads and writes.

Or, as a REPLICA, follows a PRIMARY and serves reads.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from aiohttp import web

from horde_model_reference.documents import SourceUnreadable
from horde_model_reference.meta_consts import ReplicateMode
from read_api.answers import RevisionStamp
from read_api.app import add_read_side, add_replica, following
from read_api.holder import PageHolder
from read_api.replica.copies import Copy
from read_api.shortcut import DocumentShortcut
from read_api.status_desk import Around, StatusDesk
from registry.errors import JournalContended, JournalError
from registry.signatures import Signer, signer_of
from registry.unseeded import Seeding
from service_kit.background import running
from service_kit.buses import open_event_bus
from service_kit.cache import Cache
from service_kit.errors import NotReady, StoreUnavailable, StoreUnsafe
from service_kit.event_bus import EventBus
from service_kit.lease import Lease
from service_kit.object_store import ObjectStore
from service_kit.rate_limit import RateLimiter
from service_kit.stores import open_cache, open_lease, open_object_store, open_rate_limiter
from service_kit.telemetry import Telemetry
from service_kit.web import TELEMETRY, create_application
from standalone.banner import banner, replica_banner
from standalone.first_fill import filler_of
from standalone.journal_access import JournalAccess, access_to
from standalone.refusing_writes import refusing_writes
from standalone.settings import StandaloneSettings
from standalone.statistics import ServedRevisions, SharedCache, first_of, statistics_of_replica
from standalone.status import desk_of, shown_standing
from standalone.syncing import Syncing
from stats.app import add_stats_side, horde_check
from stats.opening import Neighbours as StatsNeighbours
from stats.opening import StatsSide, computing
from stats.shortcut import StatsShortcut
from sync_worker.settings import SyncWorkerSettings
from write_queue.app import add_write_side, side_of
from write_queue.instance_facts import journal_check
from write_queue.opening import Neighbours, Prove, working
from write_queue.write_side import WriteSide

SERVICE: Final = "standalone"
RETRY_SECONDS: Final = 1.0
SERVED_WITHIN_SECONDS: Final = 2.0

Banner = Callable[[str], str]
"""What is to be said at the start, given the address."""

OnReady = Callable[[Banner], None]
OnUnusable = Callable[[Exception], None]

log = logging.getLogger(__name__)


def create_app(
    settings: StandaloneSettings,
    *,
    on_ready: OnReady,
    on_unusable: OnUnusable,
    sync: SyncWorkerSettings | None = None,
) -> web.Application:
    """Build a fresh application. It starts although its neighbours are down, and attaches later.

    `on_ready` is called once, with the first catalogue; `on_unusable` when waiting cannot help: the store is
    unsafe, or what an empty journal is to be filled from cannot be read. With `sync` it keeps the legacy
    GitHub repositories in step; raises `SettingsInvalid` when something is missing for that.
    """
    telemetry = Telemetry(SERVICE)
    holder = PageHolder()
    side = side_of(settings, until_served=partial(_until_served, holder))
    stats = StatsSide(settings, telemetry)
    holder.on_content(stats.engine.take)
    shortcut = first_of(DocumentShortcut(holder), StatsShortcut(stats.engine))
    application = create_application(
        settings, telemetry, on_response=RevisionStamp(holder), shortcut=shortcut
    )
    syncing = Syncing(sync, telemetry) if sync is not None else None
    sync_facts = syncing.facts if syncing is not None else None
    desk = desk_of(SERVICE, holder, side, stats, settings, sync_facts=sync_facts)
    sides = _Sides(holder, side, stats, syncing, desk)
    if settings.replicate_mode is ReplicateMode.REPLICA:
        _replicate(application, sides, settings, on_ready)
    else:
        _hold_journal(application, sides, settings, on_ready, on_unusable)
    add_stats_side(application, stats, settings)
    return application


@dataclass(frozen=True, slots=True)
class _Sides:
    """The parts of the service."""

    holder: PageHolder
    writing: WriteSide
    stats: StatsSide
    syncing: Syncing | None
    desk: StatusDesk


@dataclass(frozen=True, slots=True)
class _Around:
    """What the parts have around them, each opened once for all of them."""

    store: ObjectStore
    cache: Cache
    bus: EventBus
    limiter: RateLimiter
    lease: Lease
    signer: Signer | None

    def for_writing(self, proven: Prove) -> Neighbours:
        """Return what the write side needs; `proven` waits until the store is."""
        return Neighbours(self.store, self.bus, self.limiter, proven, self.signer)

    def for_status(self) -> Around:
        """Return what is reported on."""
        return Around(self.bus, self.store, self.cache)

    def for_stats(self) -> StatsNeighbours:
        """Return what the statistics need."""
        return StatsNeighbours(self.store, self.cache, self.bus, self.lease)


@contextlib.asynccontextmanager
async def _opened(settings: StandaloneSettings, telemetry: Telemetry) -> AsyncIterator[_Around]:
    async with (
        open_object_store(settings.data_dir, settings.s3, telemetry) as store,
        open_cache(settings.redis, telemetry) as cache,
        open_event_bus(settings.amqp, telemetry) as bus,
        open_rate_limiter(settings.rate_limits, settings.redis, telemetry) as limiter,
        open_lease(settings.redis, telemetry) as lease,
    ):
        signer = await asyncio.to_thread(signer_of, settings.signing.key_file)
        yield _Around(store, cache, bus, limiter, lease, signer)


def _hold_journal(
    application: web.Application,
    sides: _Sides,
    settings: StandaloneSettings,
    on_ready: OnReady,
    on_unusable: OnUnusable,
) -> None:
    """Make it the PRIMARY, which holds the journal."""
    holder, telemetry = sides.holder, application[TELEMETRY]
    standing = shown_standing(sides.desk, telemetry)

    async def live(_: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            around = await stack.enter_async_context(_opened(settings, telemetry))
            access = access_to(around.store, around.signer)
            start = _Start(
                settings, access, Seeding(filler_of(access, settings, telemetry), standing), on_unusable
            )

            async def follow() -> None:
                await start.fill()
                read_side = following(
                    holder,
                    around.store,
                    around.cache,
                    poll_seconds=settings.head_poll_seconds,
                    bus=around.bus,
                )
                async with read_side as follower, running(start.seeding.run(), on_end=start.report_end):
                    await holder.loaded()
                    on_ready(partial(banner, settings, follower.state, follower.content, holder.current()))
                    await start.prove_store()
                    await asyncio.Event().wait()

            await stack.enter_async_context(running(follow(), on_end=start.report_end))
            neighbours = around.for_writing(start.proven.wait)
            await stack.enter_async_context(working(sides.writing, settings, neighbours, telemetry))
            served, figures = ServedRevisions(holder), around.for_stats()
            await stack.enter_async_context(computing(sides.stats, settings, figures, served, telemetry))
            if sides.syncing is not None:
                await stack.enter_async_context(sides.syncing.working(holder, around.bus))
            await stack.enter_async_context(sides.desk.staffed(settings, telemetry, around.for_status()))
            yield

    application.cleanup_ctx.append(live)
    add_write_side(application, sides.writing)
    # reads are served without the queue, so it is reported only
    queue = replace(journal_check(sides.writing), required=False)
    more, details = (sides.syncing.checks(), sides.syncing.shown) if sides.syncing else ((), dict)
    add_read_side(
        application,
        holder,
        settings,
        queue,
        horde_check(sides.stats),
        standing.check,
        *more,
        details=details,
        desk=sides.desk,
    )


def _replicate(
    application: web.Application, sides: _Sides, settings: StandaloneSettings, on_ready: OnReady
) -> None:
    """Make it a replica: what needs a key checks the key, and says that only the PRIMARY does such things."""
    holder, telemetry, cache = sides.holder, application[TELEMETRY], SharedCache()

    def announce(copy: Copy) -> None:
        on_ready(partial(replica_banner, settings, copy, holder.current()))

    async def live(_: web.Application) -> AsyncIterator[None]:
        async with (
            cache.opened(settings, telemetry) as opened,
            refusing_writes(sides.writing, settings, telemetry),
            statistics_of_replica(sides.stats, settings, opened, holder, telemetry),
        ):
            yield

    application.cleanup_ctx.append(live)
    add_write_side(application, sides.writing)
    add_replica(application, sides.desk, settings, cache_opener=cache.opener, on_first_copy=announce)


async def _until_served(holder: PageHolder, revision: int) -> None:
    """Let who wrote read it at once; somebody who cannot wait so long looks at the answer's `X-Revision`."""
    with contextlib.suppress(NotReady):
        await holder.reach(revision, SERVED_WITHIN_SECONDS)


class _Start:
    """What happens before, and beside, following the journal."""

    def __init__(
        self, settings: StandaloneSettings, access: JournalAccess, seeding: Seeding, on_unusable: OnUnusable
    ) -> None:
        self._settings = settings
        self.seeding = seeding
        self._access = access
        self._on_unusable = on_unusable
        self.proven = asyncio.Event()

    async def fill(self) -> None:
        """Fill an empty journal, as soon as the store answers and is proven safe.

        A damaged journal is left to its follower, which names the damage and waits for its repair.
        """
        with contextlib.suppress(JournalError):
            await self._until_answered(self._fill_when_empty)

    async def prove_store(self) -> None:
        """Prove the store for the writers; a race of writers can take seconds, readers do not wait."""
        await self._until_answered(self._access.require_safe_store)
        self.proven.set()

    def report_end(self, task: asyncio.Task[None]) -> None:
        """End the process when the task failed: it would serve nothing, or the same for ever, unnoticed."""
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            log.error("the journal is not followed any more: %s", error, exc_info=error)
            self._on_unusable(error)

    async def _fill_when_empty(self) -> None:
        state = await self._access.head()
        self.seeding.look(state)
        if state.catalogue is None:
            await self._access.require_safe_store()
            self.proven.set()
            await self.seeding.first()

    async def _until_answered(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await step()
            except (StoreUnavailable, JournalContended) as error:
                log.warning("waiting for the object store: %s", error)
                await asyncio.sleep(min(RETRY_SECONDS, self._settings.head_poll_seconds))
            except (StoreUnsafe, SourceUnreadable) as error:
                self._on_unusable(error)
                await asyncio.Event().wait()  # until the process, which is ending now, cancels this
