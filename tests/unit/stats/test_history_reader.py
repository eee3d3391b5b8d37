"""What is read back, and how often the store is asked for it."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from service_kit.errors import StoreUnavailable
from service_kit.object_store import ObjectStore
from service_kit.slices import Workshop
from stats.history import reader as reading
from stats.history.compaction import DELAY_SECONDS, Compaction
from stats.history.object_names import daily_folder, day_key, hour_key
from stats.history.points import Step
from stats.history.reader import LISTING_SECONDS, MAX_BUSY, HistoryBusy, HistoryReader, Question
from support.a_clock import AClock
from support.faulty_store import FaultyStore
from support.memory_store import MemoryObjectStore
from support.past_figures import DAY, HOUR, TEXT, store_hours

NEXT_DAY = DAY + 24 * HOUR
OVER = NEXT_DAY + DELAY_SECONDS


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    workshop = Workshop()
    yield workshop
    workshop.close()


@pytest.fixture
def store() -> MemoryObjectStore:
    return MemoryObjectStore()


@pytest.fixture
def open_reader(workshop: Workshop) -> Callable[..., HistoryReader]:
    def open_(store: ObjectStore, clock: AClock | None = None) -> HistoryReader:
        return HistoryReader(store, workshop, clock=clock or AClock())

    return open_


def a_question(
    start: int = DAY, end: int = NEXT_DAY, model: str | None = "busy", step: Step = Step.HOUR
) -> Question:
    return Question(TEXT, model, start, end, step)


async def points(reader: HistoryReader, question: Question) -> list[dict[str, Any]]:
    answer = await reader.answer(question)
    found: list[dict[str, Any]] = json.loads(answer.document.identity)["points"]
    assert answer.has_points == bool(found)
    return found


async def threads(reader: HistoryReader, question: Question) -> dict[int, Any]:
    return {point["at"]: point["thread_count_max"] for point in await points(reader, question)}


async def test_hours_and_days_are_read_together(
    store: MemoryObjectStore, workshop: Workshop, open_reader: Callable[..., HistoryReader]
) -> None:
    hours = {DAY: 1, DAY + 5 * HOUR: 2, NEXT_DAY: 3, NEXT_DAY + HOUR: 4}
    await store_hours(store, hours)
    await Compaction(store, workshop, TEXT).run(OVER)
    assert set(store.objects) == {
        day_key(TEXT, DAY),
        hour_key(TEXT, NEXT_DAY),
        hour_key(TEXT, NEXT_DAY + HOUR),
    }
    assert await threads(open_reader(store), a_question(end=NEXT_DAY + 24 * HOUR)) == hours


async def test_only_the_stretch_that_was_asked_for_is_answered(
    store: MemoryObjectStore, workshop: Workshop, open_reader: Callable[..., HistoryReader]
) -> None:
    await store_hours(store, {DAY + number * HOUR: number for number in range(30)})
    question = a_question(DAY + 3 * HOUR, DAY + 5 * HOUR)
    expected = {DAY + 3 * HOUR: 3, DAY + 4 * HOUR: 4}
    assert await threads(open_reader(store), question) == expected
    await Compaction(store, workshop, TEXT).run(OVER)
    assert await threads(open_reader(store), question) == expected


async def test_the_answer_repeats_the_question(
    store: MemoryObjectStore, open_reader: Callable[..., HistoryReader]
) -> None:
    answer = await open_reader(store).answer(a_question(model=None, step=Step.DAY))
    assert json.loads(answer.document.identity) == {
        "category": TEXT,
        "model": None,
        "from": DAY,
        "to": NEXT_DAY,
        "step": "day",
        "points": [],
    }


async def test_days_join_their_hours(
    store: MemoryObjectStore, open_reader: Callable[..., HistoryReader]
) -> None:
    await store_hours(store, {DAY: 1, DAY + HOUR: 4, NEXT_DAY: 7})
    found = await points(open_reader(store), a_question(end=NEXT_DAY + 24 * HOUR, step=Step.DAY))
    assert [(one["at"], one["samples"], one["thread_count_mean"]) for one in found] == [
        (DAY, 2, 2.5),
        (NEXT_DAY, 1, 7),
    ]


async def test_totals_of_a_category_tell_what_belongs_to_no_model(
    store: MemoryObjectStore, open_reader: Callable[..., HistoryReader]
) -> None:
    await store_hours(store, {DAY: 3})
    (point,) = await points(open_reader(store), a_question(model=None))
    assert (point["models"], point["thread_count_max"], point["unattributed_names"]) == (2, 3, 1)
    assert point["unattributed"]["usage_month"] == 4


async def test_a_model_without_history_has_no_points(
    store: MemoryObjectStore, open_reader: Callable[..., HistoryReader]
) -> None:
    await store_hours(store, {DAY: 3})
    assert await points(open_reader(store), a_question(model="stranger")) == []


async def test_a_second_question_reads_nothing_again(
    store: MemoryObjectStore, open_reader: Callable[..., HistoryReader]
) -> None:
    await store_hours(store, {DAY: 1, DAY + HOUR: 2})
    counting = FaultyStore(store)
    reader = open_reader(counting)
    first = await reader.answer(a_question())
    before = counting.operations
    assert (await reader.answer(a_question())).document is first.document
    await reader.answer(a_question(model="unused"))
    assert counting.operations == before


async def test_questions_at_once_read_each_object_once(
    store: MemoryObjectStore, open_reader: Callable[..., HistoryReader]
) -> None:
    await store_hours(store, {DAY + number * HOUR: 1 for number in range(5)})
    counting = FaultyStore(store)
    reader = open_reader(counting)
    await asyncio.gather(*(reader.answer(a_question(model=f"m{number % 3}")) for number in range(9)))
    assert counting.operations == 2 + 5


async def test_a_new_hour_is_seen_after_a_while(
    store: MemoryObjectStore, open_reader: Callable[..., HistoryReader]
) -> None:
    clock = AClock()
    reader = open_reader(store, clock)
    await store_hours(store, {DAY: 1})
    assert await threads(reader, a_question()) == {DAY: 1}
    await store_hours(store, {DAY + HOUR: 2})
    clock.advance(LISTING_SECONDS)
    assert await threads(reader, a_question()) == {DAY: 1, DAY + HOUR: 2}


class CompactsMeanwhile(FaultyStore):
    """Compacts once: between the listing of hours and that of days, or just before the first reading."""

    def __init__(self, inner: ObjectStore, workshop: Workshop, *, before: str) -> None:
        super().__init__(inner)
        self.compaction = Compaction(inner, workshop, TEXT)
        self.before = before

    async def get(self, key: str) -> bytes:
        await self.compact("get")
        return await super().get(key)

    async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:
        await self.compact(prefix)
        return await super().list_after(prefix, after, limit=limit)

    async def compact(self, operation: str) -> None:
        if operation == self.before:
            self.before = ""
            await self.compaction.run(OVER)


@pytest.mark.parametrize("before", ["get", daily_folder(TEXT)])
async def test_hours_that_go_into_a_day_while_they_are_read_are_found_there(
    store: MemoryObjectStore, workshop: Workshop, open_reader: Callable[..., HistoryReader], before: str
) -> None:
    await store_hours(store, {DAY: 1, DAY + HOUR: 2})
    meddler = CompactsMeanwhile(store, workshop, before=before)
    assert await threads(open_reader(meddler), a_question()) == {DAY: 1, DAY + HOUR: 2}
    assert meddler.compaction.days == 1


class ListsTooMuch(FaultyStore):
    """Goes on naming an object that is not there any more."""

    async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:
        gone = [hour_key(TEXT, DAY + 7 * HOUR)] if "hourly" in prefix else []
        return [*await super().list_after(prefix, after, limit=limit), *gone]


async def test_an_object_that_is_named_but_missing_is_left_out(
    store: MemoryObjectStore, open_reader: Callable[..., HistoryReader]
) -> None:
    await store_hours(store, {DAY: 1})
    assert await threads(open_reader(ListsTooMuch(store)), a_question()) == {DAY: 1}


async def test_a_damaged_object_is_left_out_and_counted(
    store: MemoryObjectStore,
    open_reader: Callable[..., HistoryReader],
    caplog: pytest.LogCaptureFixture,
) -> None:
    await store_hours(store, {DAY: 1})
    await store.create(hour_key(TEXT, DAY + HOUR), b"")
    reader = open_reader(store)
    with caplog.at_level(logging.ERROR):
        assert await threads(reader, a_question()) == {DAY: 1}
        assert await threads(reader, a_question(model=None)) == {DAY: 1}
    assert reader.unreadable == 2


async def test_other_objects_in_the_folders_are_passed_over(
    store: MemoryObjectStore, open_reader: Callable[..., HistoryReader]
) -> None:
    await store_hours(store, {DAY: 1})
    await store.create("stats/hourly/text_generation/2026112100.json.gz.bak", b"")
    assert await threads(open_reader(store), a_question()) == {DAY: 1}


async def test_a_store_that_is_away_is_an_error_that_is_forgotten(
    store: MemoryObjectStore, open_reader: Callable[..., HistoryReader]
) -> None:
    await store_hours(store, {DAY: 1})
    shaky = FaultyStore(store)
    reader = open_reader(shaky)
    shaky.down = True
    with pytest.raises(StoreUnavailable):
        await reader.answer(a_question())
    shaky.down = False
    assert await threads(reader, a_question()) == {DAY: 1}


class Hanging(FaultyStore):
    """Never answers."""

    async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:
        await asyncio.Event().wait()
        return await super().list_after(prefix, after, limit=limit)


async def test_a_store_that_hangs_is_given_up(store: MemoryObjectStore, workshop: Workshop) -> None:
    reader = HistoryReader(Hanging(store), workshop, read_timeout_seconds=0.01)
    with pytest.raises(StoreUnavailable):
        await reader.answer(a_question())


async def test_too_many_questions_at_once_are_refused(
    store: MemoryObjectStore, open_reader: Callable[..., HistoryReader]
) -> None:
    reader = open_reader(Hanging(store))
    waiting = [asyncio.create_task(reader.answer(a_question())) for _ in range(MAX_BUSY)]
    await asyncio.sleep(0)
    with pytest.raises(HistoryBusy):
        await reader.answer(a_question())
    await reader.close()
    assert {type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)} == {
        asyncio.CancelledError
    }


async def test_more_objects_than_are_read_at_once_are_all_read(
    store: MemoryObjectStore, open_reader: Callable[..., HistoryReader]
) -> None:
    hours = {DAY + number * HOUR: number for number in range(reading.PACKS_AT_ONCE * 2 + 1)}
    await store_hours(store, hours)
    assert await threads(open_reader(store), a_question(end=DAY + 48 * HOUR)) == hours
