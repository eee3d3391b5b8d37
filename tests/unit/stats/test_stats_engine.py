import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from horde_model_reference.integrations.horde_merge import CategoryFigures
from registry.content import CatalogueContent
from service_kit.errors import NotReady
from stats.domain.live_tables import LiveTables
from stats.domain.risk_rules import RiskRules
from stats.domain.runtime import HordeKind
from stats.engine import StatsEngine
from stats.horde.feed import HordeUnavailable
from stats.results import LiveResults
from support.a_clock import AClock
from support.contents import a_content, a_record, category_content
from support.live_figures import PUBLISHED_AT, ScriptedRuntime, a_snapshot, a_status
from support.revision_sources import ScriptedSource

IMAGE = "image_generation"
WORLD = {IMAGE: {"Flux": a_record(IMAGE, "Flux")}, "clip": {"ViT": a_record("clip", "ViT")}}
LONG_SECONDS = 3600.0
FIGURES = a_snapshot(HordeKind.IMAGE, status=[a_status("Flux", 4)], usage={"Flux": (1, 2, 3)})


class Bench:
    """An engine with everything around it in the hands of a test."""

    def __init__(self) -> None:
        self.clock = AClock()
        self.builds: list[float] = []
        self.source = ScriptedSource()
        self.runtime = ScriptedRuntime()
        self.engine = StatsEngine(
            RiskRules(), on_built=self.builds.append, clock=self.clock, retry_seconds=0.01
        )
        self.engine.attach(self.source, self.runtime)

    async def serves(self, revision: int) -> None:
        """Wait until the revision is served."""
        async with asyncio.timeout(5):
            while self.engine.results is None or self.engine.results.revision != revision:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    async def serves_figures_of(self, published_at: float) -> LiveResults:
        """Wait until these figures are served."""
        async with asyncio.timeout(5):
            while self._published_at() != published_at:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        return (await self.engine.live(IMAGE))[1]

    def _published_at(self) -> float | None:
        results = self.engine.results
        live = results.categories[IMAGE].live if results else None
        return None if live is None else live.tables.snapshot.published_at


@contextlib.asynccontextmanager
async def at_work(content: CatalogueContent | None = None) -> AsyncIterator[Bench]:
    bench = Bench()
    if content is not None:
        bench.engine.take(content)
    task = asyncio.create_task(bench.engine.run())
    try:
        if content is not None:
            await bench.serves(content.revision)
        yield bench
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settled() -> None:
    """Let everything that is due happen."""
    for _ in range(20):
        await asyncio.sleep(0.002)


async def test_nothing_is_served_before_the_first_catalogue() -> None:
    async with at_work() as bench:
        await settled()

        with pytest.raises(NotReady):
            bench.engine.current()
        await bench.engine.until_first(5)  # there is nothing to wait for
        assert bench.builds == []


async def test_who_comes_during_the_first_build_waits_for_it() -> None:
    async with at_work() as bench:
        bench.engine.take(a_content(WORLD))
        async with asyncio.timeout(5):
            await bench.engine.until_first(LONG_SECONDS)

        assert bench.engine.current().revision == 1


async def test_an_empty_journal_is_served() -> None:
    async with at_work() as bench:
        bench.engine.take(None)
        await bench.serves(0)


async def test_first_figures_are_served_at_once() -> None:
    async with at_work(a_content(WORLD)) as bench:
        bench.runtime.tell(FIGURES)

        live = await bench.serves_figures_of(PUBLISHED_AT)

    assert live.tables.figures.models["Flux"].thread_count == 4
    assert bench.engine.figures() == {IMAGE: live.tables.figures}


async def test_newer_figures_wait_until_it_is_their_time() -> None:
    async with at_work(a_content(WORLD)) as bench:
        bench.runtime.tell(FIGURES)
        await bench.serves_figures_of(PUBLISHED_AT)
        for seconds in (1, 2, 3):
            bench.runtime.tell_again(HordeKind.IMAGE, published_at=PUBLISHED_AT + seconds)
            await settled()
        before = len(bench.builds)

        bench.clock.advance(10)
        bench.runtime.tell_again(HordeKind.IMAGE, published_at=PUBLISHED_AT + 4)
        await bench.serves_figures_of(PUBLISHED_AT + 4)

    assert len(bench.builds) == before + 1


async def test_figures_of_a_source_that_was_missing_do_not_wait() -> None:
    async with at_work(a_content(WORLD)) as bench:
        bench.runtime.tell(replace(FIGURES, usage=None))
        await bench.serves_figures_of(PUBLISHED_AT)

        bench.runtime.tell(replace(FIGURES, published_at=PUBLISHED_AT + 1))
        live = await bench.serves_figures_of(PUBLISHED_AT + 1)

    assert live.tables.figures.models["Flux"].usage is not None


async def test_a_new_revision_is_built_after_a_second_at_the_latest() -> None:
    async with at_work(a_content(WORLD)) as bench:
        bench.clock.advance(1)
        bench.engine.take(a_content(WORLD, revision=2))

        await bench.serves(2)


async def test_revisions_in_quick_succession_are_built_once_in_a_while() -> None:
    async with at_work(a_content(WORLD)) as bench:
        for revision in range(2, 10):
            bench.engine.take(a_content(WORLD, revision=revision))
            await settled()

        assert bench.engine.current().revision == 1
        bench.clock.advance(1)
        bench.engine.take(a_content(WORLD, revision=10))
        await bench.serves(10)

    assert len(bench.builds) == 2


async def test_a_revision_that_is_demanded_is_built_at_once() -> None:
    async with at_work(a_content(WORLD)) as bench:
        bench.engine.take(a_content(WORLD, revision=2))

        async with asyncio.timeout(5):
            await bench.engine.reach(2, LONG_SECONDS)

        assert bench.engine.current().revision == 2
    assert bench.source.waits == [(2, LONG_SECONDS)]


async def test_a_demand_does_not_hurry_what_comes_after_it() -> None:
    async with at_work(a_content(WORLD)) as bench:
        bench.engine.take(a_content(WORLD, revision=2))
        await bench.engine.reach(2, 5)

        bench.engine.take(a_content(WORLD, revision=3))
        await settled()

        assert bench.engine.current().revision == 2


async def test_a_revision_that_is_there_costs_no_wait() -> None:
    async with at_work(a_content(WORLD, revision=4)) as bench:
        await bench.engine.reach(3, 0)

    assert bench.source.waits == []


async def test_a_revision_that_does_not_come_is_said_so() -> None:
    async with at_work(a_content(WORLD)) as bench:
        bench.source.reaches = False

        with pytest.raises(NotReady, match="revision 9"):
            await bench.engine.reach(9, 0.01)


async def test_a_failed_build_leaves_what_is_served() -> None:
    broken = replace(a_content(WORLD, revision=2), categories={"clip": category_content("clip", b"[]")})
    async with at_work(a_content(WORLD)) as bench:
        bench.clock.advance(1)
        bench.engine.take(broken)
        await settled()

        assert bench.engine.current().revision == 1

        bench.engine.take(a_content(WORLD, revision=3))
        await bench.serves(3)


async def test_who_comes_while_nothing_was_received_waits_for_it() -> None:
    async with at_work(a_content(WORLD)) as bench:
        bench.runtime.on_wait = lambda: bench.runtime.tell(FIGURES)

        results, live = await bench.engine.live(IMAGE)

    assert (results.revision, live.tables.snapshot.published_at) == (1, PUBLISHED_AT)
    assert [kind for kind, _ in bench.runtime.waits] == [HordeKind.IMAGE]


async def test_nobody_waits_for_an_ai_horde_that_is_away() -> None:
    async with at_work(a_content(WORLD)) as bench:
        bench.runtime.fails_with = HordeUnavailable(2)

        with pytest.raises(HordeUnavailable):
            await bench.engine.live(IMAGE)


async def test_figures_that_are_there_cost_no_wait() -> None:
    async with at_work(a_content(WORLD)) as bench:
        bench.runtime.tell(FIGURES)
        await bench.serves_figures_of(PUBLISHED_AT)

        await bench.engine.live(IMAGE)

    assert bench.runtime.waits == []


async def test_figures_are_handed_on_once_for_each_moment() -> None:
    heard: list[tuple[str, CategoryFigures]] = []

    def note(category: str, tables: LiveTables) -> None:
        heard.append((category, tables.figures))

    async with at_work(a_content(WORLD)) as bench:
        bench.engine.on_figures(note)
        bench.runtime.tell(FIGURES)
        await bench.serves_figures_of(PUBLISHED_AT)
        bench.clock.advance(1)
        bench.engine.take(a_content(WORLD, revision=2))
        await bench.serves(2)
        await settled()

    assert [category for category, _ in heard] == [IMAGE]


async def test_the_engine_is_as_stale_as_its_source() -> None:
    async with at_work(a_content(WORLD)) as bench:
        assert not bench.engine.stale
        bench.source.stale = True
        assert bench.engine.stale
