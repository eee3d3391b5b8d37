"""The figures of the AI-Horde as every instance of the service has them."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator

from horde_model_reference.events import StatsRefreshed
from service_kit.ai_horde_state import HordeState
from service_kit.background import running
from service_kit.cache import Cache
from service_kit.errors import ServiceError
from service_kit.event_bus import EventBus, Message
from service_kit.lease import Lease
from service_kit.telemetry import Telemetry
from stats.domain.runtime import HordeKind, RuntimeSnapshot
from stats.horde.breaker import Breaker
from stats.horde.call_counts import HordeCallMetrics
from stats.horde.client import open_horde_client
from stats.horde.figures import Figures, OnSnapshot
from stats.horde.first_figures import FirstFigures
from stats.horde.instance import Instance, Neighbours
from stats.horde.metrics import HordeGauges
from stats.horde.refresher import Refresher
from stats.horde.settings import HordeSettings
from stats.horde.shared_figures import SharedFigures
from stats.horde.timing import Timing


class HordeUnavailable(ServiceError):
    """Nothing was ever received from the AI-Horde; `Retry-After` is among the `headers`."""

    status, retryable = 502, True

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__("the AI-Horde does not answer, and nothing was received from it before")
        self.retry_after_seconds = retry_after_seconds
        self.headers = {"Retry-After": str(math.ceil(max(retry_after_seconds, 1)))}


class RuntimeFeed:
    """One for each instance; the same figures on all of them."""

    def __init__(
        self,
        figures: Figures,
        instance: Instance,
        first: FirstFigures,
        timing: Timing,
        calls: HordeCallMetrics,
    ) -> None:
        self._calls = calls
        self._figures = figures
        self._instance = instance
        self._first = first
        self._timing = timing

    @property
    def state(self) -> HordeState:
        """How the AI-Horde is doing, as this instance knows."""
        return self._instance.state

    @property
    def call_seconds(self) -> float | None:
        """How long the AI-Horde's last answer to this instance took; None before the first."""
        return self._calls.last_seconds

    @property
    def is_leader(self) -> bool:
        """Whether this instance is the one that does what is done once for all instances."""
        return self._instance.is_leader

    def snapshot(self, kind: HordeKind) -> RuntimeSnapshot:
        """Return the newest figures at once; `is_empty` when nothing was ever received."""
        return self._figures.shown[kind]

    def on_snapshot(self, callback: OnSnapshot) -> None:
        """Call back, on the loop, after `snapshot` of a kind began to return something else."""
        self._figures.listen(callback)

    async def wait_for(self, kind: HordeKind, timeout_seconds: float) -> RuntimeSnapshot:
        """Return figures: at once when there are any, else when they come in.

        Raises `HordeUnavailable` at once when the AI-Horde is known to fail, else after the time.
        """
        if self.snapshot(kind).is_empty:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await self._first.wait_for(kind)
        if (found := self.snapshot(kind)).is_empty:
            raise HordeUnavailable(
                self.state.seconds_until_retry(self._timing.wall()) or self._timing.probe_seconds
            )
        return found


@contextlib.asynccontextmanager
async def open_runtime_feed(
    settings: HordeSettings,
    cache: Cache,
    lease: Lease,
    bus: EventBus,
    telemetry: Telemetry,
    *,
    timing: Timing | None = None,
) -> AsyncIterator[RuntimeFeed]:
    """Yield the feed, which follows the others and refreshes for them when it is its turn.

    It starts although AI-Horde, cache and bus are away. `timing` is for tests.
    """
    timing = timing or Timing.of_interval(settings.horde_api_cache_ttl)
    calls = HordeCallMetrics(telemetry)
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_horde_client(settings, timing, calls))
        figures, breaker = Figures(timing), Breaker(timing)
        shared = SharedFigures(cache, life_seconds=settings.cache_hydration_stale_ttl_seconds)
        refresher = Refresher(client, breaker, timing)
        instance = Instance(figures, refresher, breaker, Neighbours(shared, lease, bus), timing)
        first = FirstFigures(figures, instance, lease, timing)
        telemetry.registry.register(HordeGauges(figures, instance, timing))
        stack.push_async_callback(first.close)
        await stack.enter_async_context(running(instance.run()))
        await stack.enter_async_context(_hearing(bus, instance))
        yield RuntimeFeed(figures, instance, first, timing, calls)


@contextlib.asynccontextmanager
async def _hearing(bus: EventBus, instance: Instance) -> AsyncIterator[None]:
    """Have the instance look when something was published, and whenever it may have missed that."""

    async def look(_: Message) -> None:
        instance.nudge()

    async with bus.subscribe((StatsRefreshed.routing_key,), look, on_attached=instance.nudge):
        yield
