"""Several instances in a time that passes as the test wants: who asks, how often, and what they have."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service_kit.ai_horde_state import read_horde_state
from service_kit.memory_cache import MemoryCache
from stats.domain.runtime import HordeKind, RuntimeSnapshot
from stats.horde.client import CALLS
from stats.horde.figures import is_stale
from stats.horde.timing import Timing
from support.horde_instances import SharedCache, World, until
from support.scripted_horde import IMAGE_STATUS, TEXT_USAGE

IMAGE, TEXT = HordeKind.IMAGE, HordeKind.TEXT


def shown(world: World, kind: HordeKind = IMAGE) -> list[RuntimeSnapshot]:
    return [one.figures.shown[kind] for one in world.instances]


async def test_first_look_of_a_lone_instance_receives_all_six_sources() -> None:
    world = World()
    await world.instances[0].look()
    assert sorted(world.horde.made) == sorted(CALLS)
    for kind in HordeKind:
        snapshot = world.instances[0].figures.shown[kind]
        assert snapshot.status is not None
        assert snapshot.usage is not None
        assert snapshot.workers is not None
        assert not is_stale(snapshot)


async def test_many_instances_ask_no_more_often_than_one() -> None:
    alone, together = World(1), World(4)
    await alone.live(3600)
    await together.live(3600)
    assert len(together.horde.made) <= 1.1 * len(alone.horde.made)
    rounds = len(together.horde.made) / len(CALLS)
    assert 50 <= rounds <= 66


async def test_all_instances_have_the_very_same_figures() -> None:
    world = World(4)
    await world.live(30)
    for kind in HordeKind:
        snapshots = shown(world, kind)
        assert not snapshots[0].is_empty
        assert all(snapshot == snapshots[0] for snapshot in snapshots)


async def test_only_one_is_the_leader_and_the_next_one_follows_when_it_dies() -> None:
    world = World(3)
    await world.live(30)
    assert [one.instance.is_leader for one in world.instances] == [True, False, False]
    world.instances.pop(0)
    made = len(world.horde.made)
    await world.live(30)
    assert [one.instance.is_leader for one in world.instances] == [True, False]
    await world.live(45)
    assert len(world.horde.made) - made == len(CALLS)


async def test_leader_that_stops_makes_room_at_once() -> None:
    world = World(2)
    leading = asyncio.create_task(world.instances[0].instance.run())
    await until(lambda: world.instances[0].instance.is_leader)
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)
    await world.instances[1].look()
    assert world.instances[1].instance.is_leader


async def test_new_instance_has_what_the_others_have_without_asking() -> None:
    world = World(1)
    await world.live(9)
    made = len(world.horde.made)
    world.instances.append(world.add())
    await world.instances[1].look()
    assert shown(world)[1] == shown(world)[0]
    assert len(world.horde.made) == made


async def test_restarted_instance_serves_the_shared_figures_and_asks_at_once() -> None:
    world = World(1)
    await world.live(9)
    world.shared.table.clear()
    world.instances = [world.add()]
    world.horde.hanging = set(CALLS)
    made = len(world.horde.made)
    await world.instances[0].instance.look()
    assert not shown(world)[0].is_empty
    await until(lambda: len(world.horde.made) - made == len(CALLS))


async def test_one_source_that_fails_goes_stale_alone_and_comes_back() -> None:
    world = World()
    await world.live(3)
    world.horde.failing, world.horde.number = {TEXT_USAGE}, 2
    await world.live(72)
    text = shown(world, TEXT)[0]
    assert text.usage is not None
    assert text.status is not None
    assert (text.usage.stale, text.usage.value["Deliberate"].day) == (True, 1)
    assert (text.status.stale, text.status.value[0].threads) == (False, 2)
    image = shown(world, IMAGE)[0]
    assert image.usage is not None
    assert image.usage.value["Deliberate"].day == 2
    world.horde.heal()
    await world.live(72)
    text = shown(world, TEXT)[0]
    assert text.usage is not None
    assert (text.usage.stale, text.usage.value["Deliberate"].day) == (False, 2)


async def test_one_source_that_stays_away_costs_the_others_nothing() -> None:
    world = World()
    await world.live(3)
    world.horde.failing = {TEXT_USAGE}
    await world.live(600)
    world.horde.number = 2
    await world.live(72)
    text = shown(world, TEXT)[0]
    assert text.status is not None
    assert text.status.value[0].threads == 2
    assert not world.instances[0].breaker.is_open


async def test_the_one_source_that_is_back_is_found_and_then_refreshed_as_ever() -> None:
    world = World()
    await world.live(3)
    world.horde.fail()
    await world.live(72)
    world.horde.failing = set(CALLS) - {TEXT_USAGE}
    world.horde.number = 2
    await world.live(6 * 123)
    assert used_in_a_day(world) == (2, False)
    world.horde.number = 3
    await world.live(72)
    assert used_in_a_day(world) == (3, False)


def used_in_a_day(world: World) -> tuple[int, bool]:
    usage = shown(world, TEXT)[0].usage
    assert usage is not None
    return usage.value["Deliberate"].day, usage.stale


async def test_source_that_never_answered_is_missing_alone() -> None:
    world = World()
    world.horde.failing = {TEXT_USAGE}
    await world.live(30)
    text = shown(world, TEXT)[0]
    assert text.usage is None
    assert text.status is not None
    assert text.workers is not None


async def test_usage_without_any_name_is_missing_and_never_replaces_a_good_one() -> None:
    world = World()
    world.horde.empty = {TEXT_USAGE}
    await world.live(30)
    assert shown(world, TEXT)[0].usage is None
    world.horde.empty = set()
    await world.live(72)
    world.horde.empty = {TEXT_USAGE}
    await world.live(72)
    usage = shown(world, TEXT)[0].usage
    assert usage is not None
    assert usage.stale
    assert usage.value["Deliberate"].total == 3


async def test_slow_answer_does_not_hold_the_others_back() -> None:
    world = World()
    world.horde.hanging = {TEXT_USAGE}
    one = world.instances[0]
    await one.instance.look()
    await until(lambda: not one.figures.are_empty)
    assert not shown(world, IMAGE)[0].is_empty
    assert shown(world, TEXT)[0].status is not None
    assert shown(world, TEXT)[0].usage is None
    assert one.instance.is_asking


async def test_dead_horde_is_probed_every_two_minutes_and_its_last_figures_stay() -> None:
    world = World(4)
    await world.live(3)
    good = shown(world)[0]
    world.horde.fail()
    await world.live(72)
    made = len(world.horde.made)
    await world.live(1200)
    assert 8 <= len(world.horde.made) - made <= 11
    for snapshot in shown(world):
        assert is_stale(snapshot)
        assert snapshot.status is not None
        assert good.status is not None
        assert snapshot.status.value == good.status.value
        assert snapshot.status.fetched_at == good.status.fetched_at
        assert snapshot == shown(world)[0]


async def test_horde_that_is_back_after_hours_is_seen_by_the_next_probe() -> None:
    world = World(2)
    await world.live(3)
    world.horde.fail()
    await world.live(3 * 3600)
    world.horde.heal()
    world.horde.number = 7
    await world.live(150)
    for snapshot in shown(world):
        assert snapshot.status is not None
        assert (snapshot.status.stale, snapshot.status.value[0].threads) == (False, 7)
    assert not world.instances[0].instance.state.degraded


async def test_shared_figures_outlive_all_instances_while_the_horde_is_dead_for_long() -> None:
    world = World(1)
    await world.live(3)
    world.horde.fail()
    await world.live(2 * 3600)
    world.instances = [world.add()]
    await world.live(15)
    assert shown(world)[0].status is not None
    assert is_stale(shown(world)[0])


async def test_horde_dead_from_the_start_costs_one_call_every_few_seconds() -> None:
    world = World(4)
    world.horde.fail()
    await world.live(600)
    assert 60 <= len(world.horde.made) <= 140
    assert world.horde.probes == len(world.horde.made), "nothing is tried several times"
    state = world.instances[0].instance.state
    assert state.degraded
    assert state.consecutive_failures == len(world.horde.made)
    told = {one.instance.state.consecutive_failures for one in world.instances}
    assert told == {state.consecutive_failures}


async def test_sources_that_work_are_found_although_most_do_not() -> None:
    world = World()
    world.horde.failing = set(CALLS) - {TEXT_USAGE}
    await world.live(120)
    text = shown(world, TEXT)[0]
    assert text.usage is not None
    assert not text.usage.stale


async def test_horde_that_wants_to_be_left_alone_is_also_by_requests() -> None:
    world = World()
    world.horde.fail()
    world.horde.demanded_seconds = 100.0
    await world.instances[0].look()
    for _ in range(30):
        await world.instances[0].first.wait_for(IMAGE)
        await world.live(3)
    assert len(world.horde.made) == len(CALLS)
    world.horde.heal()
    await world.live(20)
    assert not shown(world)[0].is_empty


async def test_without_contact_all_instances_together_ask_no_more_than_one() -> None:
    world = World(4)
    await world.live(30)
    world.shared.away = True
    made = len(world.horde.made)
    await world.live(3600)
    rounds = (len(world.horde.made) - made) / len(CALLS)
    assert 4 <= rounds <= 60
    assert all(not snapshot.is_empty for snapshot in shown(world))
    assert not any(one.instance.is_leader for one in world.instances)


async def test_without_contact_from_the_start_every_instance_has_figures_at_once() -> None:
    world = World(4)
    world.shared.away = True
    await world.live(3)
    assert all(not snapshot.is_empty for snapshot in shown(world))
    assert len(world.horde.made) == 4 * len(CALLS)


async def test_without_contact_and_figures_requests_make_probes_of_their_own_instance() -> None:
    world = World(2)
    world.shared.away = True
    world.horde.fail()
    await world.live(6)
    made = len(world.horde.made)
    for _ in range(10):
        await asyncio.gather(*(one.first.wait_for(IMAGE) for one in world.instances))
        world.pass_seconds(0.2)
    assert len(world.horde.made) - made == 2
    world.horde.heal()
    world.pass_seconds(2)
    await world.instances[1].first.wait_for(IMAGE)
    assert not shown(world)[1].is_empty


async def test_cache_that_was_emptied_is_filled_again_without_asking() -> None:
    world = World(2)
    await world.live(9)
    made = len(world.horde.made)
    world.shared.forget()
    await world.live(6)
    assert len(world.horde.made) == made
    world.instances.append(world.add())
    await world.instances[2].look()
    assert shown(world)[2] == shown(world)[0]


async def test_contact_that_is_back_makes_all_the_same_again() -> None:
    world = World(3)
    await world.live(9)
    world.shared.away = True
    await world.live(900)
    world.shared.away = False
    await world.live(120)
    assert len({snapshot.published_at for snapshot in shown(world)}) == 1
    assert sum(one.instance.is_leader for one in world.instances) == 1


async def test_what_was_received_without_contact_is_shared_afterwards() -> None:
    world = World()
    await world.live(9)
    world.shared.away = True
    world.horde.number = 2
    await world.live(400)
    world.shared.away = False
    world.horde.fail()
    await world.live(3)
    world.instances.append(world.add())
    await world.live(3)
    usages = [snapshot.usage for snapshot in shown(world, TEXT)]
    assert [usage.value["Deliberate"].day for usage in usages if usage is not None] == [2, 2]


async def test_figures_are_shown_as_stale_where_no_news_come_and_equally_everywhere() -> None:
    world = World(2)
    await world.live(9)
    follower = world.instances[1]
    fresh = follower.figures.shown[IMAGE]
    world.pass_seconds(181)
    for one in world.instances:
        one.figures.age()
    aged = follower.figures.shown[IMAGE]
    assert is_stale(aged)
    assert aged.published_at != fresh.published_at
    assert aged == world.instances[0].figures.shown[IMAGE]
    await world.live(9)
    assert not is_stale(follower.figures.shown[IMAGE])


@pytest.mark.parametrize("jump_seconds", [-86400.0, 86400.0, -1.0, 1e9])
async def test_wall_clock_that_jumps_changes_neither_rate_nor_freshness(jump_seconds: float) -> None:
    world = World(2)
    await world.live(60)
    world.wall.advance(jump_seconds)
    made = len(world.horde.made)
    for _ in range(20):
        await world.live(30)
        assert not any(map(is_stale, shown(world)))
    assert 8 <= (len(world.horde.made) - made) / len(CALLS) <= 12
    assert shown(world)[0] == shown(world)[1]
    received = shown(world)[0].status
    assert received is not None
    assert abs(received.fetched_at - world.wall()) < 120


async def test_wall_clock_that_stands_still_gives_every_snapshot_a_time_of_its_own() -> None:
    world = World()
    times = set()
    for number in range(20):
        world.horde.number = number
        world.monotonic.advance(70)
        await world.instances[0].look()
        times.add(shown(world)[0].published_at)
    assert len(times) == 20


async def test_first_request_sees_a_horde_that_was_just_started() -> None:
    world = World(4)
    world.horde.fail()
    await world.live(60)
    world.horde.heal()
    await world.instances[2].first.wait_for(TEXT)
    assert not shown(world, TEXT)[2].is_empty
    await world.live(3)
    assert all(snapshot == shown(world)[2] for snapshot in shown(world))


async def test_requests_while_the_horde_is_dead_make_one_probe_in_two_seconds_over_all_instances() -> None:
    world = World(4)
    world.horde.fail()
    for one in world.instances:
        await one.look()
    world.pass_seconds(3)
    made = len(world.horde.made)
    for _ in range(50):
        for one in world.instances:
            await asyncio.gather(*(one.first.wait_for(kind) for kind in HordeKind))
        world.pass_seconds(0.2)
    assert 4 <= len(world.horde.made) - made <= 6


async def test_cold_kind_whose_sources_all_fail_is_not_asked_for_by_requests() -> None:
    world = World()
    world.horde.failing = {call for call in CALLS if call[0] is TEXT}
    await world.live(9)
    made = len(world.horde.made)
    for _ in range(20):
        await world.instances[0].first.wait_for(TEXT)
        world.pass_seconds(3)
    assert shown(world, TEXT)[0].is_empty
    assert len(world.horde.made) == made


async def test_state_is_told_to_all_services() -> None:
    world = World()
    await world.live(3)
    cache = SharedCache(world.shared)
    state = await read_horde_state(cache)
    assert state is not None
    assert not state.degraded
    world.horde.fail()
    await world.live(75)
    state = await read_horde_state(cache)
    assert state is not None
    assert (state.degraded, state.consecutive_failures) == (True, len(CALLS))
    assert state.retry_at is not None
    assert 0 < state.retry_at - world.wall() <= 120


async def test_state_that_was_lost_is_told_again() -> None:
    world = World()
    await world.live(3)
    world.horde.fail()
    await world.live(75)
    world.shared.cache = MemoryCache(clock=world.shared.clock)
    await world.live(9)
    state = await read_horde_state(SharedCache(world.shared))
    assert state is not None
    assert state.degraded


async def test_next_leader_goes_on_with_single_calls() -> None:
    world = World(2)
    await world.live(3)
    world.horde.fail()
    await world.live(72)
    world.instances.pop(0)
    made = len(world.horde.made)
    await world.live(90)
    assert len(world.horde.made) - made == 1


async def test_listener_hears_of_every_change_once() -> None:
    world = World()
    heard: list[HordeKind] = []
    world.instances[0].figures.listen(heard.append)
    await world.live(45)
    assert heard == [IMAGE, TEXT]
    world.horde.failing = {IMAGE_STATUS}
    world.pass_seconds(60)
    await world.live(3)
    assert heard == [IMAGE, TEXT] * 2


async def test_listener_with_a_bug_neither_stops_the_refreshing_nor_makes_it_faster() -> None:
    world = World()
    one = world.instances[0]

    def stumble(_: HordeKind) -> None:
        raise ZeroDivisionError

    one.figures.listen(stumble)
    await one.look()
    with pytest.raises(ZeroDivisionError):
        await one.look()
    await one.look()
    assert len(world.horde.made) == len(CALLS)
    world.pass_seconds(70)
    await one.look()
    assert len(world.horde.made) == 2 * len(CALLS)


async def ask(world: World) -> None:
    await world.instances[-1].first.wait_for(TEXT)


async def kill_the_first(world: World) -> None:
    if len(world.instances) > 1:
        world.instances.pop(0)


async def add_one(world: World) -> None:
    if len(world.instances) < 4:
        world.instances.append(world.add())


async def lose_contact(world: World) -> None:
    world.shared.away = True


async def regain_contact(world: World) -> None:
    world.shared.away = False


async def forget(world: World) -> None:
    world.shared.forget()


async def fail(world: World) -> None:
    world.horde.fail()


async def heal(world: World) -> None:
    world.horde.heal()


async def set_the_clock_back(world: World) -> None:
    world.wall.advance(-5000)


STEPS = [ask, kill_the_first, add_one, lose_contact, regain_contact, forget, fail, heal, set_the_clock_back]


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=15))
async def test_whatever_happens_equal_times_are_equal_figures_and_all_is_well_in_the_end(
    steps: list[Callable[[World], Awaitable[None]]],
) -> None:
    world = World(3, timing=Timing(partial_seconds=60))  # on a busy machine answers are not in part, either
    seen: dict[tuple[HordeKind, float], RuntimeSnapshot] = {}
    for step in (*steps, heal, regain_contact):
        await step(world)
        world.horde.number += 1
        await world.live(45)
        for kind, one in itertools.product(HordeKind, world.instances):
            snapshot = one.figures.shown[kind]
            assert seen.setdefault((kind, snapshot.published_at), snapshot) == snapshot
    await world.live(150)
    assert not any(map(is_stale, shown(world)))
    assert len({snapshot.published_at for snapshot in shown(world)}) == 1
