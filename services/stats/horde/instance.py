"""What one of several instances does: refreshes for all, or follows the one that does."""

import asyncio
import contextlib
import logging
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from horde_model_reference.events import StatsRefreshed
from service_kit.ai_horde_state import HordeState
from service_kit.event_bus import EventBus
from service_kit.lease import Held, Lease
from stats.domain.runtime import HordeKind
from stats.horde.breaker import Breaker
from stats.horde.figures import Answers, Figures, is_stale
from stats.horde.refresher import Refresher
from stats.horde.shared_figures import Look, SharedFigures
from stats.horde.timing import Timing

REFRESHER: Final = "stats:refresher"
MIN_PAUSE_SECONDS: Final = 0.05  # between two looks, however often it is nudged

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What an instance has in common with the others."""

    shared: SharedFigures
    lease: Lease
    bus: EventBus


class Instance:
    """Looks after its lease and the shared cache at an interval, or at once when nudged.

    Whoever has the lease asks the AI-Horde, and publishes. Where nobody can tell who has it, every instance
    asks for itself, but so rarely that all of them together ask no more often than one does otherwise.
    """

    def __init__(
        self,
        figures: Figures,
        refresher: Refresher,
        breaker: Breaker,
        neighbours: Neighbours,
        timing: Timing,
    ) -> None:
        self._figures = figures
        self._refresher = refresher
        self._breaker = breaker
        self._neighbours = neighbours
        self._timing = timing
        self._role = Held.UNKNOWN
        self._shared_state: HordeState | None = None
        self._round: asyncio.Task[None] | None = None
        self._exchange = asyncio.Lock()  # what is held and what is shared are compared, or changed together
        self._nudged = asyncio.Event()
        self._last_news: float | None = None  # None: nothing of known age
        self._patience = self._draw_patience()
        self._others_failed = False
        self._probes_vain_until = timing.monotonic()
        self.failed_rounds = 0
        """Rounds after which nothing was there still."""

    @property
    def is_leader(self) -> bool:
        """Whether this instance has the lease."""
        return self._role is Held.HERE

    @property
    def is_asking(self) -> bool:
        """Whether a round is under way here."""
        return self._round is not None and not self._round.done()

    @property
    def probes_are_vain(self) -> bool:
        """Whether the AI-Horde failed a moment ago, here or on another instance."""
        return self._others_failed or self._timing.monotonic() < self._probes_vain_until

    @property
    def state(self) -> HordeState:
        """How the AI-Horde is doing, as whoever asks it tells."""
        if self._role is Held.ELSEWHERE and self._shared_state is not None:
            return self._shared_state
        return self._breaker.state()

    def nudge(self) -> None:
        """Look now instead of at the next interval."""
        self._nudged.set()

    async def run(self) -> None:
        """Look until cancelled; then make room for another one."""
        try:
            while True:
                try:
                    await self.look()
                except Exception:  # it must go on looking: without it figures would grow old for ever
                    log.exception("a look at the figures of the AI-Horde failed")
                await self._pause()
        finally:
            await self._end_round()
            await self._neighbours.lease.release(REFRESHER)

    async def look(self) -> None:
        """Do once what is to be done. Raises what a round raised that has a bug."""
        was_leader = self.is_leader
        self._role = await self._neighbours.lease.hold(REFRESHER, seconds=self._timing.lease_seconds)
        if self._role is not Held.UNKNOWN:
            await self.meet()
        if self.is_leader and not was_leader:
            self._inherit()
        if self.is_leader and not self.is_asking and self._is_misrepresented():
            await self._neighbours.shared.tell_state(self._breaker.state())
        self._figures.age()
        if self._round is not None and self._round.done():
            ended, self._round = self._round, None
            ended.result()
        if self._role is not Held.ELSEWHERE and self._is_due():
            self.begin_round()

    async def meet(self) -> None:
        """Take over what others published, and publish what they miss."""
        async with self._exchange:
            look = await self._neighbours.shared.look()
            self._shared_state = look.state
            self._others_failed = look.no_probe
            held = {kind: snapshot.published_at for kind, snapshot in self._figures.held.items()}
            wanted = [kind for kind, time in look.heads.items() if self._is_news(time, held[kind])]
            if wanted:
                await self._adopt(wanted)
            if self.is_leader and not wanted and self._lacks(look):
                await self._publish()

    def begin_round(self, *, urgent: bool = False) -> None:
        """Ask the AI-Horde, unless that is under way."""
        if not self.is_asking:
            self._round = asyncio.create_task(self._run_round(urgent=urgent))

    async def wait_for_round(self, timeout_seconds: float) -> None:
        """Wait for the end of the round that is under way, but not for long."""
        if self._round is not None:
            await asyncio.wait([self._round], timeout=timeout_seconds)

    def _is_misrepresented(self) -> bool:
        """Whether others believe something else of the AI-Horde: the cache was away when it was told."""
        shared, own = self._shared_state or HordeState(), self._breaker.state()
        return (shared.degraded, shared.consecutive_failures) != (own.degraded, own.consecutive_failures)

    def _is_due(self) -> bool:
        if self._last_news is None:
            return True
        wait = self._timing.cold_rest_seconds if self._figures.are_empty else self._timing.interval_seconds
        factor = self._timing.isolation_factor if self._role is Held.UNKNOWN else 1.0
        return self._timing.monotonic() >= self._last_news + wait * self._patience * factor

    def _is_news(self, time: float, own_time: float) -> bool:
        """Judge what is shared: others follow it wherever it goes, the leader only forward."""
        return time > own_time if self.is_leader else time != own_time

    def _lacks(self, look: Look) -> bool:
        return any(
            not snapshot.is_empty and look.heads.get(kind) != snapshot.published_at
            for kind, snapshot in self._figures.held.items()
        )

    async def _adopt(self, kinds: list[HordeKind]) -> None:
        snapshots = [one for one in await self._neighbours.shared.load(kinds) if not one.is_empty]
        if not snapshots:
            return
        is_of_unknown_age = self.is_leader and self._last_news is None
        if not is_of_unknown_age:
            self._note_news(self._timing.monotonic())
        if all(map(is_stale, snapshots)):
            self._breaker.note_possession()
        else:
            self._breaker.note_success()
        self._figures.hold(snapshots)

    def _inherit(self) -> None:
        """Go on where the last leader ended, rather than find out anew that the AI-Horde is away."""
        if self._shared_state is not None and self._shared_state.degraded:
            self._breaker.inherit(self._shared_state.consecutive_failures)

    async def _run_round(self, *, urgent: bool) -> None:
        started, asked = self._timing.monotonic(), True
        try:
            asked = await self._refresher.run_round(self._take, urgent=urgent)
        finally:
            if asked:
                self._note_news(started)
        if asked:
            await self._neighbours.shared.tell_state(self._breaker.state())
        if self._figures.are_empty and (asked or urgent):
            await self._note_nothing(started, urgent=urgent)

    async def _note_nothing(self, started: float, *, urgent: bool) -> None:
        """Let waiting requests go; after a round that one asked for, others need not ask again at once."""
        elapsed = self._timing.monotonic() - started
        rest = max(self._timing.probe_seconds - elapsed if urgent else 0.0, self._breaker.demanded_seconds)
        self._probes_vain_until = self._timing.monotonic() + rest
        self.failed_rounds += 1
        await self._neighbours.shared.forbid_probes(rest)

    async def _take(self, answers: Answers) -> None:
        async with self._exchange:
            changed = self._figures.take(answers)
            if not self._figures.are_empty:
                await self._publish()
        if changed:
            times = {kind.value: held.published_at for kind, held in self._figures.held.items()}
            event = StatsRefreshed(occurred_at=datetime.now(UTC), published_at=times)
            self._neighbours.bus.publish(event.routing_key, event.render())

    async def _publish(self) -> None:
        """Put everything there, also what was there: so it does not come to the end of its life."""
        await self._neighbours.shared.publish(self._figures.held.values())

    def _note_news(self, when: float) -> None:
        self._last_news = when
        self._patience = self._draw_patience()

    def _draw_patience(self) -> float:
        return random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, keeps no secret

    async def _pause(self) -> None:
        await asyncio.sleep(MIN_PAUSE_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timing.look_seconds * self._patience):
                await self._nudged.wait()
        self._nudged.clear()

    async def _end_round(self) -> None:
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)
