"""When the next run is due."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.a_clock import AClock
from sync_worker.domain.agenda import PATIENCE, Agenda, AgendaTimes


class World:
    def __init__(self) -> None:
        self.clock = AClock()
        self.agenda = Agenda(AgendaTimes(), self.clock)

    def after_success(self) -> Agenda:
        self.agenda.succeed(self.agenda.begin())
        return self.agenda


@pytest.fixture
def world() -> World:
    return World()


def test_the_first_run_is_due_at_once(world: World) -> None:
    assert world.agenda.wait_seconds == 0
    assert world.agenda.begin() is None


def test_everything_is_compared_every_six_hours(world: World) -> None:
    assert world.after_success().wait_seconds == 6 * 3600


def test_change_is_due_when_it_has_been_quiet(world: World) -> None:
    agenda = world.after_success()
    agenda.hear(7)
    assert agenda.wait_seconds == 60
    world.clock.advance(30)
    agenda.note_activity()
    assert agenda.wait_seconds == 60
    assert agenda.begin() == 7


def test_change_is_due_after_ten_minutes_although_it_never_is_quiet(world: World) -> None:
    agenda = world.after_success()
    agenda.hear(1)
    for _ in range(100):
        world.clock.advance(7)
        agenda.note_activity()
    assert agenda.wait_seconds == 600 - 700


def test_activity_without_a_change_that_was_heard_of_makes_nothing_due(world: World) -> None:
    agenda = world.after_success()
    agenda.note_activity()
    assert agenda.wait_seconds == 6 * 3600
    assert not agenda.is_pending


def test_failures_are_repeated_after_1_2_4_and_at_most_30_minutes(world: World) -> None:
    waits = []
    for _ in range(8):
        world.agenda.begin()
        world.agenda.fail()
        waits.append(world.agenda.wait_seconds / 60)
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert world.after_success().wait_seconds == 6 * 3600
    world.agenda.fail()
    assert world.agenda.wait_seconds == 60


def test_failed_run_demands_its_revision_again_but_not_for_ever(world: World) -> None:
    world.agenda.hear(9)
    demands = []
    for _ in range(PATIENCE + 1):
        demands.append(world.agenda.begin())
        world.agenda.fail()
    assert demands == [9] * PATIENCE + [None]


def test_nothing_makes_a_run_earlier_than_the_neighbour_allows(world: World) -> None:
    world.agenda.begin()
    world.agenda.fail(not_before_seconds=5000)
    world.agenda.hear(3)
    world.clock.advance(4000)
    assert world.agenda.wait_seconds == 1000


def test_change_that_is_heard_of_during_a_run_is_due_after_it(world: World) -> None:
    world.after_success()
    world.agenda.hear(5)
    demanded = world.agenda.begin()
    world.agenda.hear(6)
    world.agenda.succeed(demanded)
    assert world.agenda.wait_seconds == 60
    assert world.agenda.begin() == 6


@given(st.lists(st.one_of(st.none(), st.integers(1, 99)), min_size=1))
def test_run_demands_the_newest_revision_that_was_heard_of(revisions: list[int | None]) -> None:
    agenda = World().after_success()
    for revision in revisions:
        agenda.hear(revision)
    known = [revision for revision in revisions if revision is not None]
    assert agenda.begin() == (max(known) if known else None)
    assert not agenda.is_pending
