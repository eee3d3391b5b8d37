"""Which instances are live, silent, stopping or forgotten."""

import pytest

from read_api.domain.instance_board import (
    FORGOTTEN_SECONDS,
    MAX_INSTANCES,
    MAX_REVISIONS,
    SILENT_SECONDS,
    InstanceBoard,
    Presence,
)
from support.a_clock import AClock
from support.instance_reports import a_report, minutes


def presences(board: InstanceBoard) -> dict[str, str]:
    return {one.report.instance_id: one.presence.value for one in board.seen()}


def test_instance_that_reports_is_live() -> None:
    board = InstanceBoard(clock=AClock())
    board.take(a_report(instance_id="a"))
    assert presences(board) == {"a": "live"}


@pytest.mark.parametrize(
    ("seconds", "presence"), [(SILENT_SECONDS, Presence.live), (SILENT_SECONDS + 0.1, Presence.silent)]
)
def test_instance_is_silent_when_three_reports_are_missing(seconds: float, presence: Presence) -> None:
    clock = AClock()
    board = InstanceBoard(clock=clock)
    board.take(a_report())
    clock.advance(seconds)
    assert [one.presence for one in board.seen()] == [presence]


def test_silent_instance_is_forgotten_after_ten_minutes_but_not_that_there_was_one() -> None:
    clock = AClock()
    board = InstanceBoard(clock=clock)
    board.take(a_report("stats"))
    clock.advance(FORGOTTEN_SECONDS + 1)
    assert board.seen() == ()
    assert board.parts_ever == {"stats"}


def test_instance_that_stops_is_never_silent_and_soon_forgotten() -> None:
    clock = AClock()
    board = InstanceBoard(clock=clock)
    board.take(a_report(instance_id="a", number=1))
    board.take(a_report(instance_id="a", number=2, state="stopping"))
    clock.advance(SILENT_SECONDS)
    assert presences(board) == {"a": "stopping"}
    clock.advance(1)
    assert presences(board) == {}


def test_report_that_comes_late_or_twice_changes_nothing() -> None:
    clock = AClock()
    board = InstanceBoard(clock=clock)
    board.take(a_report(number=5, revision=9))
    clock.advance(SILENT_SECONDS + 1)
    board.take(a_report(number=5, revision=9))
    board.take(a_report(number=4, revision=8))
    assert [(one.report.revision, one.presence) for one in board.seen()] == [(9, Presence.silent)]


def test_instance_that_was_silent_is_live_with_its_next_report() -> None:
    clock = AClock()
    board = InstanceBoard(clock=clock)
    board.take(a_report(number=1))
    clock.advance(SILENT_SECONDS + 1)
    board.take(a_report(number=2))
    assert [one.presence for one in board.seen()] == [Presence.live]


def test_instances_stand_by_service_and_start() -> None:
    board = InstanceBoard(clock=AClock())
    board.take(a_report("write-queue", "w"))
    board.take(a_report("read-api", "late", started_at=minutes(9)))
    board.take(a_report("read-api", "early", started_at=minutes(1)))
    assert [one.report.instance_id for one in board.seen()] == ["early", "late", "w"]


def test_old_spelling_of_a_service_is_the_same_service() -> None:
    board = InstanceBoard(clock=AClock())
    board.take(a_report("sync_worker"))
    assert board.seen()[0].parts == ("sync-worker",)
    assert board.parts_ever == {"sync-worker"}


def test_too_many_instances_push_out_those_that_were_not_heard_of_for_longest() -> None:
    clock = AClock()
    board = InstanceBoard(clock=clock)
    for number in range(MAX_INSTANCES + 2):
        clock.advance(0.001)
        board.take(a_report(instance_id=f"i{number}"))
    assert len(board.seen()) == MAX_INSTANCES
    assert not {"i0", "i1"} & presences(board).keys()


def test_time_of_a_revision_is_when_it_was_first_heard_of() -> None:
    clock = AClock()
    board = InstanceBoard(clock=clock)
    board.take(a_report(instance_id="a", revision=4))
    heard_at = clock()
    clock.advance(7)
    board.take(a_report(instance_id="b", revision=4))
    assert board.first_heard_at(4) == heard_at
    assert board.first_heard_at(5) == float("-inf")


def test_only_the_last_revisions_are_remembered() -> None:
    board = InstanceBoard(clock=AClock())
    for number in range(MAX_REVISIONS + 1):
        board.take(a_report(number=number + 1, revision=number))
    assert board.first_heard_at(0) == float("-inf")
    assert board.first_heard_at(1) > 0
