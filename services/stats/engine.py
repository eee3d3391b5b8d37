"""Builds the results off the loop whenever something new is known, and serves the newest."""

import asyncio
import contextlib
import gc
import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from horde_model_reference.integrations.horde_merge import CategoryFigures
from registry.content import CatalogueContent
from service_kit.errors import NotReady
from service_kit.log_context import Causes
from service_kit.slices import SLICE_SECONDS, Workshop
from stats.domain.live_tables import LiveTables
from stats.domain.risk_rules import RiskRules
from stats.domain.runtime import KIND_OF_CATEGORY, HordeKind, RuntimeSnapshot
from stats.domain.runtime_mark import sources_of
from stats.results import LiveResults, Results, result_steps

FIRST_SLICE_SECONDS: Final = 0.05  # nobody is being served yet
RUNTIME_PACE_SECONDS: Final = 10.0
"""For newer figures alone, results are built at most so often (statistics.md section 6).

Those of a source that was missing are not held back.
"""
REVISION_PACE_SECONDS: Final = 1.0
"""For newer revisions at most so often, however fast they come, unless a request demands one."""
RETRY_SECONDS: Final = 5.0
COLD_WAIT_SECONDS: Final = 5.0
"""Longest wait of a request when nothing is known yet (aihorde-api.md section 3)."""

OnFigures = Callable[[str, LiveTables], None]
OnBuilt = Callable[[float], None]
OnRevision = Callable[[int, datetime], None]

log = logging.getLogger(__name__)


class RevisionSource(Protocol):
    """Where revisions come from, such as the follower of the registry."""

    @property
    def stale(self) -> bool:
        """Whether newer revisions may exist that cannot be seen."""

    async def wait_for_revision(self, revision: int, timeout_seconds: float) -> bool:
        """Return whether the revision was handed over within the time."""


class RuntimeSource(Protocol):
    """Where live figures come from; see `stats.horde.feed.RuntimeFeed`."""

    def snapshot(self, kind: HordeKind) -> RuntimeSnapshot:
        """Return the newest figures at once."""

    def on_snapshot(self, callback: Callable[[HordeKind], None]) -> None:
        """Have this called when there are newer figures."""

    async def wait_for(self, kind: HordeKind, timeout_seconds: float) -> RuntimeSnapshot:
        """Return figures when there are any. Raises `ServiceError` when there are none."""


class StatsEngine:
    """The results of one instance. `run` has to run as a task beside it.

    New revisions are handed over by `take`; figures are asked for. Results are swapped in with one
    assignment, so that no request sees half an update.
    """

    def __init__(
        self,
        rules: RiskRules,
        *,
        on_built: OnBuilt = lambda _: None,
        on_revision: OnRevision = lambda _revision, _committed_at: None,
        clock: Callable[[], float] = time.monotonic,
        retry_seconds: float = RETRY_SECONDS,
        runtime_pace_seconds: float = RUNTIME_PACE_SECONDS,
    ) -> None:
        self._rules = rules
        self._on_built = on_built
        self._on_revision = on_revision
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._runtime_pace_seconds = runtime_pace_seconds
        self._on_figures: list[OnFigures] = []
        self._revisions: RevisionSource | None = None
        self._runtime: RuntimeSource | None = None
        self._content: CatalogueContent | None = None
        self._was_handed_content = False
        self._is_demanded = False
        self._causes = Causes()
        self._built_at = float("-inf")
        self._changed = asyncio.Event()
        self._built = asyncio.Condition()
        self._workshop = Workshop()
        self.results: Results | None = None

    def attach(self, revisions: RevisionSource, runtime: RuntimeSource) -> None:
        """Name where revisions and figures come from."""
        self._revisions = revisions
        self._runtime = runtime
        runtime.on_snapshot(lambda _: self._changed.set())
        self._changed.set()

    def on_figures(self, callback: OnFigures) -> None:
        """Have this called with a category and its figures once new ones are served."""
        self._on_figures.append(callback)

    def take(self, content: CatalogueContent | None) -> None:
        """Build the results of this revision; None is an empty journal."""
        self._content = content
        self._was_handed_content = True
        self._causes.note()
        self._changed.set()

    @property
    def stale(self) -> bool:
        """Whether newer revisions may exist that this instance cannot see."""
        return self._revisions is not None and self._revisions.stale

    @property
    def built_at(self) -> float:
        """When results were last built, by the clock; minus infinity before the first."""
        return self._built_at

    def current(self) -> Results:
        """Return what is being served. Raises `NotReady` before the first results."""
        if self.results is None:
            raise NotReady("the catalogue is not loaded yet")
        return self.results

    def figures(self) -> dict[str, CategoryFigures]:
        """Return the live figures that are being served, by category."""
        categories = self.results.categories if self.results else {}
        return {name: one.live.tables.figures for name, one in categories.items() if one.live is not None}

    async def reach(self, revision: int, timeout_seconds: float) -> None:
        """Wait until the revision is being served. Raises `NotReady` when the time is over."""
        if self._serves(revision):
            return
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        if self._revisions is not None:
            await self._revisions.wait_for_revision(revision, timeout_seconds)
        self._is_demanded = True
        self._changed.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline), self._built:
                await self._built.wait_for(lambda: self._serves(revision))
        if not self._serves(revision):
            raise NotReady(f"revision {revision} has not arrived here yet")

    async def until_first(self, timeout_seconds: float) -> None:
        """Wait for the first results if there is anything to build them of, but not for long."""
        if self._was_handed_content and self.results is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds), self._built:
                    await self._built.wait_for(lambda: self.results is not None)

    async def live(self, category: str) -> tuple[Results, LiveResults]:
        """Return the answers of a category that has records and live figures.

        Waits only while nothing was ever received; raises `NotReady`, and what the source of figures raises.
        """
        results = self.current()
        found = results.categories[category].live
        return (results, found) if found is not None else await self._first_live(category)

    async def _first_live(self, category: str) -> tuple[Results, LiveResults]:
        if self._runtime is None:
            raise NotReady("live figures are not loaded yet")
        deadline = asyncio.get_running_loop().time() + COLD_WAIT_SECONDS
        await self._runtime.wait_for(KIND_OF_CATEGORY[category], COLD_WAIT_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline), self._built:
                await self._built.wait_for(lambda: self._find_live(category) is not None)
        found = self._find_live(category)
        if found is None:
            raise NotReady("the live figures are being computed")
        return self.current(), found

    def _find_live(self, category: str) -> LiveResults | None:
        found = self.results.categories.get(category) if self.results else None
        return None if found is None else found.live

    def _serves(self, revision: int) -> bool:
        return self.results is not None and self.results.revision >= revision

    async def run(self) -> None:
        """Build whenever something new is known, until cancelled."""
        try:
            while True:
                await self._until_due()
                try:
                    with self._causes.acting():
                        await self._build()
                except Exception:  # top of a background loop: what is served stays
                    log.exception("the results cannot be built")
                    await asyncio.sleep(self._retry_seconds)
        finally:
            self._workshop.close()

    async def _until_due(self) -> None:
        while True:
            self._changed.clear()
            wait_seconds = self._seconds_until_due()
            if wait_seconds is not None and wait_seconds <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._changed.wait()

    def _seconds_until_due(self) -> float | None:
        """Return how long building has to wait; None when nothing is new."""
        if not self._was_handed_content:
            return None
        results = self.results
        if results is None:
            return 0.0
        waited = self._clock() - self._built_at
        if results.content is not self._content:
            return 0.0 if self._is_demanded else REVISION_PACE_SECONDS - waited
        paces = [pace for category in KIND_OF_CATEGORY if (pace := self._pace(category, results)) is not None]
        return min(paces) - waited if paces else None

    def _pace(self, category: str, results: Results) -> float | None:
        """Return how long after the last build newer figures are due; None when there are none."""
        found = results.categories.get(category)
        snapshot = self._snapshots().get(KIND_OF_CATEGORY[category])
        if found is None or snapshot is None or snapshot.is_empty:
            return None
        if found.live is None:
            return 0.0
        served = found.live.tables.snapshot
        if served.published_at == snapshot.published_at:
            return None
        return self._runtime_pace_seconds if sources_of(served) >= sources_of(snapshot) else 0.0

    def _snapshots(self) -> dict[HordeKind, RuntimeSnapshot]:
        runtime = self._runtime
        return {} if runtime is None else {kind: runtime.snapshot(kind) for kind in HordeKind}

    async def _build(self) -> None:
        previous, self._is_demanded = self.results, False
        steps = result_steps(self._content, self._snapshots(), self._rules, previous)
        began = time.perf_counter()
        slice_seconds = FIRST_SLICE_SECONDS if previous is None else SLICE_SECONDS
        results = await self._workshop.run(steps, slice_seconds=slice_seconds)
        self._on_built(time.perf_counter() - began)
        if previous is None or not previous.categories:
            gc.freeze()  # a full collection over all the records would stop the loop for some 40 ms
        self.results = results
        self._built_at = self._clock()
        async with self._built:
            self._built.notify_all()
        self._tell(results, previous)
        self._tell_revision(results, previous)

    def _tell_revision(self, results: Results, previous: Results | None) -> None:
        content = results.content
        if content is not None and (previous is None or previous.content is not content):
            fields = {"revision": content.revision, "sequence": content.sequence}
            log.info("revision %d is counted", content.revision, extra={"fields": fields})
            self._on_revision(content.revision, content.committed_at)

    def _tell(self, results: Results, previous: Results | None) -> None:
        """Hand new figures on, once for each moment."""
        for category, found in results.categories.items():
            live = found.live
            known = previous.categories.get(category) if previous else None
            if live is None or (known is not None and known.live is not None and _same(live, known.live)):
                continue
            for callback in self._on_figures:
                callback(category, live.tables)


def _same(one: LiveResults, other: LiveResults) -> bool:
    return one.tables.snapshot.published_at == other.tables.snapshot.published_at
