"""The statistics as a part of the whole service: revisions come from the read side."""

import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from aiohttp import web

from read_api.holder import PageHolder
from read_api.settings import ReadApiSettings
from service_kit.buses import open_event_bus
from service_kit.cache import Cache
from service_kit.errors import NotReady, StoreUnavailable
from service_kit.object_store import ObjectStore
from service_kit.outer_layer import Shortcut
from service_kit.ready_response import ReadyResponse
from service_kit.stores import open_cache, open_lease, open_object_store
from service_kit.telemetry import Telemetry
from stats.opening import Neighbours, StatsSide, computing
from stats.settings import StatsSettings

log = logging.getLogger(__name__)


class ServedRevisions:
    """The revisions of the pages. Implements `stats.engine.RevisionSource`."""

    def __init__(self, holder: PageHolder) -> None:
        self._holder = holder

    @property
    def stale(self) -> bool:
        """Whether newer revisions may exist that the pages do not have."""
        return self._holder.stale

    async def wait_for_revision(self, revision: int, timeout_seconds: float) -> bool:
        """Return whether the pages reached the revision within the time."""
        try:
            await self._holder.reach(revision, timeout_seconds)
        except NotReady:
            return False
        return True


def first_of(*shortcuts: Shortcut) -> Shortcut:
    """Return a shortcut that asks one after the other."""

    def ask(request: web.Request) -> ReadyResponse | None:
        for shortcut in shortcuts:
            response = shortcut(request)
            if response is not None:
                return response
        return None

    return ask


class SharedCache:
    """The cache of an instance, opened once for all of its parts."""

    def __init__(self) -> None:
        self._cache: Cache | None = None

    def opener(self, _settings: ReadApiSettings, _telemetry: Telemetry) -> AbstractAsyncContextManager[Cache]:
        """Hand the cache to a part that would open one; it must be there."""
        if self._cache is None:
            raise RuntimeError("the cache is not open")
        return contextlib.nullcontext(self._cache)

    @contextlib.asynccontextmanager
    async def opened(self, settings: StatsSettings, telemetry: Telemetry) -> AsyncIterator[Cache]:
        """Open it until the end of the context."""
        async with open_cache(settings.redis, telemetry) as self._cache:
            yield self._cache


@contextlib.asynccontextmanager
async def statistics_of_replica(
    side: StatsSide, settings: StatsSettings, cache: Cache, holder: PageHolder, telemetry: Telemetry
) -> AsyncIterator[None]:
    """Compute statistics of what a replica serves, until the end of the context.

    Its history lies beside its copy on disk; where nothing can be written there, there is none.
    """
    async with AsyncExitStack() as stack:
        neighbours = Neighbours(
            await _history_store(stack, settings, telemetry),
            cache,
            await stack.enter_async_context(open_event_bus(settings.amqp, telemetry)),
            await stack.enter_async_context(open_lease(settings.redis, telemetry)),
        )
        async with computing(side, settings, neighbours, ServedRevisions(holder), telemetry):
            yield


async def _history_store(stack: AsyncExitStack, settings: StatsSettings, telemetry: Telemetry) -> ObjectStore:
    try:
        return await stack.enter_async_context(open_object_store(settings.data_dir, settings.s3, telemetry))
    except StoreUnavailable as error:
        log.warning("no history is kept: %s", error)
        return NoStore()


class NoStore:
    """Stands for a directory that cannot be used: fails whatever is asked."""

    async def get(self, key: str) -> bytes:  # noqa: ARG002
        raise self._failure()

    async def create(self, key: str, body: bytes) -> None:  # noqa: ARG002
        raise self._failure()

    async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:  # noqa: ARG002
        raise self._failure()

    async def delete(self, key: str) -> None:  # noqa: ARG002
        raise self._failure()

    def _failure(self) -> StoreUnavailable:
        return StoreUnavailable("no history is kept here: the data directory cannot be used")
