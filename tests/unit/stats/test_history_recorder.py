"""Which hours are written, when, and by whom."""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from service_kit.errors import StoreUnavailable
from service_kit.memory_cache import MemoryCache
from service_kit.slices import Workshop
from stats.domain.runtime import Source
from stats.history.compaction import DELAY_SECONDS
from stats.history.object_names import day_key, hour_key
from stats.history.pack import read_points
from stats.history.points import Values
from stats.history.recorder import (
    DEPUTY_SECONDS,
    GRACE_SECONDS,
    MAX_OPEN_HOURS,
    MAX_WAITING_HOURS,
    HistoryRecorder,
)
from support.a_clock import AClock
from support.event_listeners import eventually
from support.faulty_store import FaultyStore
from support.memory_store import MemoryObjectStore
from support.past_figures import DAY, HOUR, IMAGE, TEXT, UNKNOWN, a_sample, figures

OVER = DAY + HOUR + GRACE_SECONDS
FIRST_HOUR = hour_key(TEXT, DAY)


@dataclass
class World:
    """What all instances share."""

    workshop: Workshop
    store: MemoryObjectStore = field(default_factory=MemoryObjectStore)
    cache: MemoryCache = field(default_factory=MemoryCache)
    clock: AClock = field(default_factory=lambda: AClock(DAY))
    leader: int = 1

    def __post_init__(self) -> None:
        self.faulty = FaultyStore(self.store)

    def instance(self, number: int = 1) -> HistoryRecorder:
        return HistoryRecorder(
            self.faulty, self.cache, self.workshop, lambda: self.leader == number, clock=self.clock
        )

    def values(self, key: str = FIRST_HOUR) -> Values:
        (point,) = read_points(self.store.objects[key], "busy")
        return point.values


@pytest.fixture
def world() -> Iterator[World]:
    workshop = Workshop()
    yield World(workshop)
    workshop.close()


def note(recorder: HistoryRecorder, *samples: int, start: int = DAY) -> None:
    """Note a sample a minute, given its threads."""
    for minute, threads in enumerate(samples):
        recorder.note(TEXT, a_sample(threads), start + 60.0 * minute)


async def test_the_leader_writes_an_hour_that_is_over(world: World) -> None:
    recorder = world.instance()
    note(recorder, 1, 2, 6)
    recorder.note(IMAGE, a_sample(9), DAY + 1.0)
    world.clock.seconds = OVER
    await recorder.turn()
    assert sorted(world.store.objects) == [hour_key(IMAGE, DAY), FIRST_HOUR]
    assert world.values()[:2] == (3, 6)
    assert (recorder.hours_written, recorder.hours_waiting) == (2, 0)


async def test_an_hour_that_is_hardly_over_waits_for_its_last_figures(world: World) -> None:
    recorder = world.instance()
    note(recorder, 1)
    world.clock.seconds = OVER - 1
    await recorder.turn()
    assert world.store.objects == {}
    recorder.note(TEXT, a_sample(5), DAY + HOUR - 0.5)
    world.clock.seconds = OVER
    await recorder.turn()
    assert world.values()[:2] == (3, 5)


async def test_samples_belong_to_the_hour_in_which_they_were_published(world: World) -> None:
    recorder = world.instance()
    recorder.note(TEXT, a_sample(1), DAY + HOUR - 0.001)
    recorder.note(TEXT, a_sample(2), DAY + HOUR)
    world.clock.seconds = OVER + HOUR
    await recorder.turn()
    assert world.values()[:2] == (1, 1)
    assert world.values(hour_key(TEXT, DAY + HOUR))[:2] == (2, 2)


async def test_an_hour_without_samples_is_not_written(world: World) -> None:
    recorder = world.instance()
    recorder.note(TEXT, figures({"busy": UNKNOWN}), DAY + 1.0)
    recorder.note(TEXT, a_sample(), DAY + 2.0, stale=frozenset(Source))
    world.clock.seconds = OVER
    await recorder.turn()
    assert world.store.objects == {}


@pytest.mark.parametrize("at", [0.0, -5.0, float("nan"), float("inf")])
async def test_figures_without_a_time_are_not_counted(world: World, at: float) -> None:
    recorder = world.instance()
    recorder.note(TEXT, a_sample(), at)
    world.clock.seconds = OVER
    await recorder.turn()
    assert world.store.objects == {}


async def test_who_does_not_lead_leaves_the_writing_to_the_leader(world: World) -> None:
    other = world.instance(2)
    note(other, 1)
    world.clock.seconds = OVER
    await other.turn()
    assert (world.store.objects, other.hours_waiting) == ({}, 1)


async def test_without_a_leader_another_writes_later(world: World) -> None:
    other = world.instance(2)
    note(other, 4)
    world.clock.seconds = DAY + HOUR + DEPUTY_SECONDS
    await other.turn()
    assert world.values()[:2] == (4, 4)
    assert other.hours_waiting == 0


async def test_who_takes_over_writes_what_the_leader_did_not(world: World) -> None:
    first, second = world.instance(1), world.instance(2)
    for recorder in (first, second):
        note(recorder, 2, 4)
    world.clock.seconds = OVER
    await second.turn()
    world.leader = 2
    await second.turn()
    assert world.values()[:2] == (3, 4)


async def test_what_is_stored_first_stays(world: World) -> None:
    first, second = world.instance(1), world.instance(2)
    note(first, 2)
    note(second, 7)
    world.clock.seconds = DAY + HOUR + DEPUTY_SECONDS
    await first.turn()
    await second.turn()
    assert world.values()[:2] == (2, 2)
    assert (second.hours_waiting, second.hours_written) == (0, 0)


async def test_samples_after_an_hour_was_written_change_nothing(world: World) -> None:
    recorder = world.instance()
    note(recorder, 2)
    world.clock.seconds = OVER
    await recorder.turn()
    recorder.note(TEXT, a_sample(50), DAY + 1800.0)
    await recorder.turn()
    assert world.values()[:2] == (2, 2)
    assert recorder.hours_waiting == 0


async def test_a_clock_that_jumps_ahead_and_back_loses_no_other_hour(world: World) -> None:
    recorder = world.instance()
    note(recorder, 1)
    world.clock.seconds = DAY + 5 * HOUR
    recorder.note(TEXT, a_sample(40), world.clock())
    await recorder.turn()
    world.clock.seconds = DAY + 120
    note(recorder, 3, start=DAY + 120)
    await recorder.turn()
    world.clock.seconds = DAY + HOUR
    note(recorder, 5, 5, start=DAY + HOUR)
    world.clock.seconds = OVER + HOUR
    await recorder.turn()
    assert world.values()[:2] == (1, 1)
    assert world.values(hour_key(TEXT, DAY + HOUR))[:2] == (5, 5)
    assert hour_key(TEXT, DAY + 5 * HOUR) not in world.store.objects


async def test_a_clock_that_jumps_often_keeps_few_hours_open(world: World) -> None:
    recorder = world.instance()
    note(recorder, 1, 1, 1)
    for hours in range(2, 20):
        recorder.note(TEXT, a_sample(9), DAY + hours * float(HOUR))
    world.clock.seconds = DAY + 25 * HOUR
    await recorder.turn()
    assert recorder.hours_written == MAX_OPEN_HOURS
    assert FIRST_HOUR in world.store.objects


async def test_hours_wait_for_a_store_that_is_away(world: World) -> None:
    recorder = world.instance()
    world.faulty.down = True
    for number in range(3):
        note(recorder, number + 1, start=DAY + number * HOUR)
        world.clock.seconds = OVER + number * HOUR
        with pytest.raises(StoreUnavailable):
            await recorder.turn()
    assert recorder.hours_waiting == 3
    world.faulty.down = False
    await recorder.turn()
    assert [world.values(hour_key(TEXT, DAY + number * HOUR))[0] for number in range(3)] == [1, 2, 3]
    assert recorder.hours_waiting == 0


async def test_a_write_whose_answer_was_lost_is_done(world: World) -> None:
    recorder = world.instance()
    note(recorder, 3)
    world.clock.seconds = OVER
    world.faulty.at, world.faulty.moment = 1, "after"
    with pytest.raises(StoreUnavailable):
        await recorder.turn()
    await recorder.turn()
    assert world.values()[:2] == (3, 3)
    assert recorder.hours_waiting == 0


async def test_of_more_than_a_week_the_oldest_hours_are_given_up(world: World) -> None:
    recorder = world.instance()
    world.faulty.down = True
    for number in range(MAX_WAITING_HOURS + 2):
        note(recorder, 1, start=DAY + number * HOUR)
        world.clock.seconds = OVER + number * HOUR
        with pytest.raises(StoreUnavailable):
            await recorder.turn()
    assert (recorder.hours_waiting, recorder.hours_lost) == (MAX_WAITING_HOURS, 2)
    world.faulty.down = False
    await recorder.turn()
    assert FIRST_HOUR not in world.store.objects


async def test_a_restart_within_the_hour_takes_up_what_was_counted(world: World) -> None:
    before = world.instance()
    note(before, 2, 4)
    await before.turn()
    after = world.instance()
    after.note(TEXT, a_sample(9), DAY + 1800.0)
    after.note(TEXT, a_sample(1000), DAY + 1800.0)
    world.clock.seconds = OVER
    await after.turn()
    (point,) = read_points(world.store.objects[FIRST_HOUR], "busy")
    assert (point.samples, point.values[:2]) == (3, (5, 9))


async def test_a_new_leader_takes_up_what_the_last_one_counted(world: World) -> None:
    first, second = world.instance(1), world.instance(2)
    note(first, 2, 4, 6, 8)
    await first.save()
    note(second, 2)
    await second.turn()
    world.leader = 2
    await second.turn()
    world.clock.seconds = OVER
    await second.turn()
    assert world.values()[:2] == (5, 8)


async def test_only_the_leader_fills_the_shared_cache(world: World) -> None:
    other = world.instance(2)
    note(other, 1)
    await other.save()
    assert world.cache.held_bytes == 0


async def test_the_leader_compacts_a_day_that_is_over(world: World) -> None:
    recorder, other = world.instance(1), world.instance(2)
    note(recorder, 1)
    note(recorder, 2, start=DAY + 23 * HOUR)
    world.clock.seconds = DAY + 24 * HOUR + DELAY_SECONDS
    await other.turn()
    await recorder.turn()
    assert list(world.store.objects) == [day_key(TEXT, DAY)]
    assert recorder.days_compacted == 1


async def test_a_running_hour_holds_back_no_day_that_is_over(world: World) -> None:
    recorder = world.instance()
    note(recorder, 1)
    world.clock.seconds = DAY + 24 * HOUR + DELAY_SECONDS
    note(recorder, 1, start=int(world.clock()))
    await recorder.turn()
    assert list(world.store.objects) == [day_key(TEXT, DAY)]


async def test_a_compaction_that_failed_is_tried_again(world: World) -> None:
    recorder = world.instance()
    note(recorder, 1)
    world.clock.seconds = DAY + 24 * HOUR + DELAY_SECONDS
    world.faulty.at = 3  # what follows the writing and the listing of the first category
    with pytest.raises(StoreUnavailable):
        await recorder.turn()
    await recorder.turn()
    assert list(world.store.objects) == [day_key(TEXT, DAY)]


async def test_days_are_looked_for_once_an_hour(world: World) -> None:
    recorder = world.instance()
    await recorder.turn()
    before = world.faulty.operations
    await recorder.turn()
    assert world.faulty.operations == before
    world.clock.advance(HOUR)
    await recorder.turn()
    assert world.faulty.operations > before


async def test_the_loop_goes_on_after_failures_and_tells_the_first(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = HistoryRecorder(
        world.faulty, world.cache, world.workshop, lambda: True, clock=world.clock, turn_seconds=0.001
    )
    note(recorder, 1)
    world.clock.seconds = OVER
    world.faulty.down = True
    with caplog.at_level(logging.WARNING):
        running = asyncio.create_task(recorder.run())
        await eventually(lambda: recorder.failures > 3)
        world.faulty.down = False
        await eventually(lambda: recorder.hours_written == 1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert caplog.text.count("waits to be written") == 1
