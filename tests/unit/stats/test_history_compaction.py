"""Days made of hours: whatever is interrupted, nothing is lost and nothing counts twice."""

import asyncio
import gzip
import json
import logging
from collections.abc import Iterator

import pytest

from service_kit.errors import StoreUnavailable
from service_kit.object_store import ObjectStore
from service_kit.slices import Workshop
from stats.history.compaction import DELAY_SECONDS, Compaction
from stats.history.object_names import day_key, hour_key
from stats.history.pack import check_pack
from stats.history.points import Step
from stats.history.reader import HistoryReader, Question
from support.faulty_store import Crashed, FaultyStore, Moment
from support.memory_store import MemoryObjectStore
from support.past_figures import DAY, HOUR, TEXT, an_hour_pack, store_hours

NEXT_DAY = DAY + 24 * HOUR
OVER = NEXT_DAY + DELAY_SECONDS
FOUR_HOURS = {DAY + number * HOUR: number + 1 for number in (0, 1, 5, 23)}
OPERATIONS = 12  # of one compaction of these: a listing, 6 readings, a creation, 4 deletions


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    workshop = Workshop()
    yield workshop
    workshop.close()


async def threads_over_time(store: ObjectStore, workshop: Workshop) -> dict[int, object]:
    """Return what a reader that knows nothing yet is told about the two days."""
    answer = await HistoryReader(store, workshop).answer(
        Question(TEXT, "busy", DAY, NEXT_DAY + 24 * HOUR, Step.HOUR)
    )
    points = json.loads(answer.document.identity)["points"]
    return {one["at"]: one["thread_count_max"] for one in points}


def keys(store: MemoryObjectStore, folder: str) -> list[str]:
    return sorted(key for key in store.objects if f"/{folder}/" in key)


async def test_a_day_that_is_over_becomes_one_object(workshop: Workshop) -> None:
    store = MemoryObjectStore()
    await store_hours(store, FOUR_HOURS | {NEXT_DAY: 9})
    compaction = Compaction(store, workshop, TEXT)
    await compaction.run(OVER)
    assert sorted(store.objects) == [day_key(TEXT, DAY), hour_key(TEXT, NEXT_DAY)]
    assert compaction.days == 1
    assert await threads_over_time(store, workshop) == FOUR_HOURS | {NEXT_DAY: 9}


async def test_a_day_that_is_hardly_over_waits_for_its_last_hour(workshop: Workshop) -> None:
    store = MemoryObjectStore()
    await store_hours(store, FOUR_HOURS)
    await Compaction(store, workshop, TEXT).run(OVER - 1)
    assert keys(store, "daily") == []


async def test_a_day_waits_for_hours_that_still_have_to_be_stored(workshop: Workshop) -> None:
    store = MemoryObjectStore()
    await store_hours(store, FOUR_HOURS)
    compaction = Compaction(store, workshop, TEXT)
    await compaction.run(OVER, waiting=[DAY + 7 * HOUR])
    assert keys(store, "daily") == []
    await compaction.run(OVER, waiting=[NEXT_DAY])
    assert keys(store, "daily") == [day_key(TEXT, DAY)]


async def test_the_other_category_is_left_alone(workshop: Workshop) -> None:
    store = MemoryObjectStore()
    await store_hours(store, FOUR_HOURS, category="image_generation")
    before = dict(store.objects)
    await Compaction(store, workshop, TEXT).run(OVER)
    assert store.objects == before


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("crash", [True, False])
@pytest.mark.parametrize("at", range(1, OPERATIONS + 1))
async def test_interrupted_anywhere_nothing_is_lost_and_the_next_run_ends_it(
    workshop: Workshop, at: int, moment: Moment, *, crash: bool
) -> None:
    store = MemoryObjectStore()
    await store_hours(store, FOUR_HOURS)
    faulty = FaultyStore(store, at=at, moment=moment, crash=crash)
    with pytest.raises((Crashed, StoreUnavailable)):
        await Compaction(faulty, workshop, TEXT).run(OVER)
    assert await threads_over_time(store, workshop) == FOUR_HOURS
    await Compaction(store, workshop, TEXT).run(OVER)
    assert list(store.objects) == [day_key(TEXT, DAY)]
    assert await threads_over_time(store, workshop) == FOUR_HOURS


async def test_the_interrupted_operations_are_all_there_are(workshop: Workshop) -> None:
    store = MemoryObjectStore()
    await store_hours(store, FOUR_HOURS)
    counting = FaultyStore(store)
    await Compaction(counting, workshop, TEXT).run(OVER)
    assert counting.operations == OPERATIONS


class InTurns:
    """Lets others run before each operation, so that two compactions mix."""

    def __init__(self, inner: ObjectStore) -> None:
        self.inner = inner

    async def get(self, key: str) -> bytes:
        await asyncio.sleep(0)
        return await self.inner.get(key)

    async def create(self, key: str, body: bytes) -> None:
        await asyncio.sleep(0)
        await self.inner.create(key, body)

    async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:
        await asyncio.sleep(0)
        return await self.inner.list_after(prefix, after, limit=limit)

    async def delete(self, key: str) -> None:
        await asyncio.sleep(0)
        await self.inner.delete(key)


async def test_several_instances_at_once_make_the_same_day(workshop: Workshop) -> None:
    store = MemoryObjectStore()
    await store_hours(store, FOUR_HOURS)
    running = [Compaction(InTurns(store), workshop, TEXT).run(OVER) for _ in range(3)]
    await asyncio.gather(*running)
    assert list(store.objects) == [day_key(TEXT, DAY)]
    assert await threads_over_time(store, workshop) == FOUR_HOURS


async def test_an_hour_that_comes_too_late_stays_where_it_is(workshop: Workshop) -> None:
    store = MemoryObjectStore()
    await store_hours(store, FOUR_HOURS)
    compaction = Compaction(store, workshop, TEXT)
    await compaction.run(OVER)
    await store_hours(store, {DAY + 7 * HOUR: 70})
    await compaction.run(OVER)
    assert sorted(store.objects) == [day_key(TEXT, DAY), hour_key(TEXT, DAY + 7 * HOUR)]
    assert await threads_over_time(store, workshop) == FOUR_HOURS | {DAY + 7 * HOUR: 70}


async def test_a_late_hour_is_not_looked_at_again_and_again(workshop: Workshop) -> None:
    store = MemoryObjectStore()
    await store_hours(store, FOUR_HOURS)
    compaction = Compaction(counting := FaultyStore(store), workshop, TEXT)
    await compaction.run(OVER)
    await store_hours(store, {DAY + 7 * HOUR: 70})
    await compaction.run(OVER)
    before = counting.operations
    await compaction.run(OVER)
    assert counting.operations == before + 1


async def test_an_hour_that_is_in_its_day_already_is_removed(workshop: Workshop) -> None:
    store = MemoryObjectStore()
    await store_hours(store, FOUR_HOURS)
    await Compaction(store, workshop, TEXT).run(OVER)
    await store_hours(store, {DAY: 99})
    await Compaction(store, workshop, TEXT).run(OVER)
    assert list(store.objects) == [day_key(TEXT, DAY)]
    assert await threads_over_time(store, workshop) == FOUR_HOURS


async def test_a_damaged_hour_is_kept_and_the_rest_of_the_day_compacted(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryObjectStore()
    await store_hours(store, FOUR_HOURS)
    damaged, foreign = hour_key(TEXT, DAY + 2 * HOUR), hour_key(TEXT, DAY + 3 * HOUR)
    await store.create(damaged, b"")
    await store.create(foreign, an_hour_pack(DAY))
    with caplog.at_level(logging.ERROR):
        await Compaction(store, workshop, TEXT).run(OVER)
    assert sorted(store.objects) == [day_key(TEXT, DAY), damaged, foreign]
    assert damaged in caplog.text
    assert check_pack(store.objects[day_key(TEXT, DAY)]).hours == tuple(sorted(FOUR_HOURS))


async def test_hours_of_a_damaged_day_are_not_deleted(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryObjectStore()
    await store_hours(store, FOUR_HOURS)
    await store.create(day_key(TEXT, DAY), gzip.compress(b"{}\n"))
    with caplog.at_level(logging.ERROR):
        await Compaction(store, workshop, TEXT).run(OVER)
    assert len(keys(store, "hourly")) == len(FOUR_HOURS)
    assert await threads_over_time(store, workshop) == FOUR_HOURS


async def test_a_day_of_damaged_hours_only_is_left_alone(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryObjectStore()
    await store.create(hour_key(TEXT, DAY), b"")
    with caplog.at_level(logging.ERROR):
        await Compaction(store, workshop, TEXT).run(OVER)
    assert list(store.objects) == [hour_key(TEXT, DAY)]


async def test_many_days_that_waited_are_compacted_in_one_run(workshop: Workshop) -> None:
    store = MemoryObjectStore()
    hours = {DAY + number * HOUR: number + 1 for number in range(48)}
    await store_hours(store, hours)
    await Compaction(store, workshop, TEXT).run(OVER + 24 * HOUR)
    assert sorted(store.objects) == [day_key(TEXT, DAY), day_key(TEXT, NEXT_DAY)]
    assert await threads_over_time(store, workshop) == hours
