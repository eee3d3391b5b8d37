"""Checks in the background: how they go, and since when."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest

from service_kit.check_standings import MAX_TEXT, CheckStanding, CheckStandings, utc_now
from service_kit.errors import NotReady
from service_kit.health import Check


class Neighbour:
    def __init__(self) -> None:
        self.error: Exception | None = None
        self.hangs = False

    async def run(self) -> None:
        if self.hangs:
            await asyncio.sleep(60)
        if self.error is not None:
            raise self.error


class Wall:
    """A time of day that a test moves."""

    def __init__(self) -> None:
        self.minute = 0

    def __call__(self) -> datetime:
        return datetime(2026, 3, 4, 5, self.minute, tzinfo=UTC)


def at(minute: int) -> datetime:
    return datetime(2026, 3, 4, 5, minute, tzinfo=UTC)


async def one_standing(standings: CheckStandings) -> CheckStanding:
    await standings.run()
    [standing] = standings.known
    return standing


async def test_standing_is_kept_with_its_beginning_until_it_changes() -> None:
    neighbour, wall = Neighbour(), Wall()
    standings = CheckStandings([Check("store", neighbour.run)], wall=wall)
    first = await one_standing(standings)
    wall.minute = 1
    second = await one_standing(standings)
    wall.minute, neighbour.error = 2, NotReady("it is gone")
    third = await one_standing(standings)
    wall.minute, neighbour.error = 3, NotReady("it is still gone")
    fourth = await one_standing(standings)
    wall.minute, neighbour.error = 4, None
    fifth = await one_standing(standings)

    told = [(one.ok, one.since, one.last_error, one.last_error_at) for one in (first, second)]
    assert told == [(True, at(0), "", None)] * 2
    assert (third.ok, third.since) == (False, at(2))
    assert (third.last_error, third.last_error_at) == ("it is gone", at(2))
    assert (fourth.since, fourth.last_error, fourth.last_error_at) == (at(2), "it is still gone", at(3))
    assert (fifth.ok, fifth.since, fifth.last_error, fifth.last_error_at) == (
        True,
        at(4),
        "it is still gone",
        at(3),
    )


async def test_only_calls_of_neighbours_have_a_latency() -> None:
    neighbour = Neighbour()
    checks = [Check("called", neighbour.run, is_call=True), Check("known", neighbour.run)]
    standings = CheckStandings(checks)
    await standings.run()
    called, known = standings.known
    assert called.seconds is not None
    assert called.seconds >= 0
    assert known.seconds is None


async def test_check_without_an_answer_fails_and_holds_up_no_other() -> None:
    silent, well = Neighbour(), Neighbour()
    silent.hangs = True
    checks = [Check("silent", silent.run), Check("well", well.run)]
    standings = CheckStandings(checks, timeout_seconds=0.01)
    await standings.run()
    assert [(one.name, one.ok) for one in standings.known] == [("silent", False), ("well", True)]
    assert "no answer" in standings.known[0].last_error


async def test_broken_check_is_a_failure_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    broken, well = Neighbour(), Neighbour()
    broken.error = KeyError("a bug")
    standings = CheckStandings([Check("broken", broken.run), Check("well", well.run)])
    await standings.run()
    assert [(one.ok, one.last_error) for one in standings.known] == [(False, "KeyError"), (True, "")]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_long_text_is_cut() -> None:
    neighbour = Neighbour()
    neighbour.error = NotReady("x" * 10_000)
    assert len((await one_standing(CheckStandings([Check("a", neighbour.run)]))).last_error) == MAX_TEXT


@pytest.mark.parametrize(("required", "all_ok"), [(True, False), (False, True)])
async def test_only_required_checks_make_an_instance_unready(required: bool, all_ok: bool) -> None:
    neighbour = Neighbour()
    neighbour.error = NotReady("gone")
    standings = CheckStandings([Check("a", neighbour.run, required)])
    await standings.run()
    assert standings.all_required_ok is all_ok


def test_time_of_day_has_a_zone() -> None:
    assert utc_now().tzinfo is UTC
