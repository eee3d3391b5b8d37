"""The history in real stores, written and read by several instances."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from service_kit.file_object_store import open_file_store
from service_kit.memory_cache import MemoryCache
from service_kit.object_store import ObjectStore
from service_kit.redis_cache import open_redis_cache
from service_kit.s3_object_store import open_s3_store
from service_kit.slices import Workshop
from service_kit.telemetry import Telemetry
from stats.history.compaction import DELAY_SECONDS, Compaction
from stats.history.object_names import daily_folder, day_key, hour_key, hourly_folder
from stats.history.opening import open_history
from stats.history.points import Step
from stats.history.reader import HistoryReader, Question
from stats.history.recorder import GRACE_SECONDS, HistoryRecorder
from support.a_clock import AClock
from support.event_listeners import eventually
from support.metrics import sample
from support.past_figures import DAY, HOUR, TEXT, a_sample, store_hours
from support.servers import RedisServer, S3Server

OVER = DAY + 24 * HOUR + DELAY_SECONDS


@pytest.fixture(params=["directory", "bucket"])
async def store(request: pytest.FixtureRequest, data_dir: Path) -> AsyncIterator[ObjectStore]:
    if request.param == "directory":
        async with open_file_store(data_dir) as directory:
            yield directory
        return
    server: S3Server = request.getfixturevalue("s3_server")
    async with open_s3_store(server.settings()) as bucket:
        yield bucket


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    workshop = Workshop()
    yield workshop
    workshop.close()


async def points(reader: HistoryReader, end: int = DAY + 24 * HOUR) -> list[dict[str, Any]]:
    answer = await reader.answer(Question(TEXT, "busy", DAY, end, Step.HOUR))
    found: list[dict[str, Any]] = json.loads(answer.document.identity)["points"]
    return found


async def keys(store: ObjectStore) -> list[str]:
    return [
        *await store.list_after(hourly_folder(TEXT)),
        *await store.list_after(daily_folder(TEXT)),
    ]


async def test_a_day_in_a_real_store_is_written_compacted_and_read(
    store: ObjectStore, workshop: Workshop
) -> None:
    clock = AClock(DAY)
    recorder = HistoryRecorder(store, MemoryCache(), workshop, lambda: True, clock=clock)
    for number in range(24):
        recorder.note(TEXT, a_sample(number), DAY + number * HOUR + 1.0)
        clock.seconds = DAY + (number + 1) * HOUR + GRACE_SECONDS
        await recorder.turn()
    assert len(await keys(store)) == 24
    before = await points(HistoryReader(store, workshop))
    clock.seconds = OVER
    await recorder.turn()
    assert await keys(store) == [day_key(TEXT, DAY)]
    assert await points(HistoryReader(store, workshop)) == before
    assert [point["thread_count_max"] for point in before] == list(range(24))


async def test_several_instances_in_a_real_store_leave_each_hour_once(
    store: ObjectStore, workshop: Workshop
) -> None:
    clock = AClock(OVER)
    recorders = [HistoryRecorder(store, MemoryCache(), workshop, lambda: True, clock=clock) for _ in range(4)]
    for recorder in recorders:
        recorder.note(TEXT, a_sample(3), OVER - 2.0 * HOUR)
        recorder.note(TEXT, a_sample(5), DAY + 1.0)
    await asyncio.gather(*(recorder.turn() for recorder in recorders))
    await asyncio.gather(*(Compaction(store, workshop, TEXT).run(OVER) for _ in range(4)))
    # an hour that one has packed into its day meanwhile may be written by another once more: it goes again
    assert sum(recorder.hours_written for recorder in recorders) >= 2
    assert await keys(store) == [hour_key(TEXT, OVER - 2 * HOUR), day_key(TEXT, DAY)]
    found = await points(HistoryReader(store, workshop), end=OVER)
    assert [point["thread_count_max"] for point in found] == [5, 3]


async def test_a_restart_takes_up_the_hour_from_redis(
    redis_server: RedisServer, workshop: Workshop, data_dir: Path
) -> None:
    clock, settings = AClock(DAY + 1800), redis_server.settings()
    async with open_file_store(data_dir) as store:
        async with (
            open_redis_cache(settings) as cache,
            open_history(store, cache, Telemetry("stats"), is_leader=lambda: True, clock=clock) as history,
        ):
            history.recorder.note(TEXT, a_sample(2), DAY + 1.0)
            history.recorder.note(TEXT, a_sample(4), DAY + 61.0)
        telemetry = Telemetry("stats")
        async with open_redis_cache(settings) as cache:
            clock.seconds = DAY + HOUR + GRACE_SECONDS
            async with open_history(store, cache, telemetry, is_leader=lambda: True, clock=clock) as history:
                await eventually(lambda: history.recorder.hours_written == 1)
                found = await points(history.reader)
        assert sample(telemetry, "history_pieces_written_total") == 1
        assert sample(telemetry, "history_pieces_waiting") == 0
    assert [(point["samples"], point["thread_count_mean"]) for point in found] == [(2, 3)]


async def test_a_cache_that_is_away_costs_nothing_but_the_restart(
    redis_server: RedisServer, data_dir: Path
) -> None:
    nowhere = redis_server.settings(url="redis://127.0.0.1:1/0")
    clock = AClock(DAY + HOUR + GRACE_SECONDS)
    async with (
        open_file_store(data_dir) as store,
        open_redis_cache(nowhere) as cache,
        open_history(store, cache, Telemetry("stats"), is_leader=lambda: True, clock=clock) as history,
    ):
        history.recorder.note(TEXT, a_sample(2), DAY + 1.0)
        await eventually(lambda: history.recorder.hours_written == 1)
        assert len(await points(history.reader)) == 1


async def test_what_one_instance_wrote_another_reads(store: ObjectStore, workshop: Workshop) -> None:
    await store_hours(store, {DAY: 1})
    clock = AClock()
    reader = HistoryReader(store, workshop, clock=clock)
    assert len(await points(reader)) == 1
    await store_hours(store, {DAY + HOUR: 2})
    clock.advance(60)
    assert len(await points(reader)) == 2
