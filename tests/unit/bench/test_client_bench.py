"""What the measuring of the library makes of what it sees."""

import asyncio
import gc
import time
from pathlib import Path
from typing import Any, cast

import pytest

from bench.client_audience import Audience
from bench.client_figures import call_figure, column, seconds_figure, seen_figure, stall_figure
from bench.client_precedence import is_allowed, precedence_of, preceding
from bench.client_probe import microseconds, timed
from bench.client_programs import complaint
from bench.client_proposals import Wanted, in_turns, own_fields
from bench.client_relay import Passed
from bench.client_seen import Spread, figures_of
from bench.client_stall_probe import Collections, Ticker
from bench.write_stack import Told


def a_spread(category: str, *, asked: float, answered: float, seen: list[float]) -> Spread:
    return Spread(category, Told(None, 1, asked, answered), seen)


def wanted(category: str, change_id: int) -> Wanted:
    return Wanted(category, f"m{change_id}", "", change_id)


def test_median_is_what_counts_and_the_predecessor_stands_beside_it() -> None:
    said = [{"seconds": seconds, "processor_seconds": 0.1} for seconds in (0.9, 0.1, 0.2)]
    figure = seconds_figure("import", said, 0.15, "0.27 to 0.7")
    assert (figure.measured, figure.reached) == (0.2, False)
    assert figure.note == "today 0.27 to 0.7; median of 3, 0.100 to 0.900; 0.100 of a processor"


def test_stall_is_reached_by_the_median_of_the_longest_ones() -> None:
    said = [{"stall": stall, "calm": 0.1, "seconds": 0.2, "collecting": 3.0} for stall in (8.0, 9.0, 60.0)]
    figure = stall_figure("stall", said, 20.0)
    assert (figure.measured, figure.reached) == (9.0, True)
    assert "longest garbage collection 3.0" in figure.note


def test_call_without_target_is_for_information() -> None:
    assert call_figure("call", [1.0, 3.0, 2.0], None, "").reached is None


def test_column_refuses_what_a_program_did_not_say() -> None:
    with pytest.raises(KeyError):
        column([{"seconds": 1.0}, {}], "seconds")


def test_moments_before_the_answer_count_as_none_after_it() -> None:
    spread = a_spread("clip", asked=10.0, answered=10.5, seen=[10.25, 10.75])
    assert spread.since_answer() == [0.0, 250.0]
    assert spread.since_start() == [250.0, 750.0]


def test_first_change_is_not_counted_and_each_category_stands_apart() -> None:
    spreads = [
        a_spread("clip", asked=0.0, answered=1.0, seen=[9.0]),
        a_spread("clip", asked=0.0, answered=1.0, seen=[1.0]),
        a_spread("text_generation", asked=0.0, answered=1.0, seen=[1.5]),
    ]
    figures = figures_of("here", spreads, "")
    assert [(figure.measured, figure.target) for figure in figures] == [
        (500.0, 250.0),
        (0.0, None),
        (500.0, None),
        (1500.0, None),
    ]


def test_late_one_of_a_hundred_decides_only_beyond_the_p99() -> None:
    assert seen_figure("seen", [1.0] * 99 + [900.0], 250.0, "").reached
    assert not seen_figure("seen", [1.0] * 98 + [900.0] * 2, 250.0, "").reached


def test_bytes_of_a_refresh_are_those_since_the_moment_before_it() -> None:
    passed = Passed(sent=300, received=1000, connections=2).since(Passed(100, 400, 1))
    assert (passed, passed.total) == (Passed(200, 600, 1), 800)


def test_complaint_begins_with_the_error_itself() -> None:
    text = complaint(b"Traceback (most recent call last):\n  File ...\nValueError: no\n")
    assert text.splitlines()[:2] == ["ValueError: no", "Traceback (most recent call last):"]
    assert complaint(b"").strip() == ""


def test_categories_take_turns() -> None:
    series = [[wanted("clip", 1), wanted("clip", 2)], [wanted("esrgan", 3), wanted("esrgan", 4)]]
    assert [one.change_id for one in in_turns(series)] == [1, 3, 2, 4]


def test_what_the_service_adds_is_not_proposed() -> None:
    records = {"m": {"name": "m", "metadata": {"created_at": 1}}}
    assert own_fields(records) == {"m": {"name": "m"}}
    assert "metadata" in records["m"]


def test_timed_returns_result_and_seconds() -> None:
    result, said = timed(lambda: "done")
    assert result == "done"
    assert min(said.values()) >= 0
    assert microseconds(lambda: None) > 0


async def test_ticker_notices_who_holds_the_loop_up() -> None:
    ticker = Ticker()
    try:
        await ticker.longest()
        collections = Collections()
        _hold_up()
        collections.stop()
        assert await ticker.longest() >= 30.0
        assert collections.longest > 0.0
    finally:
        await ticker.stop()


async def test_audience_waits_for_the_last_program() -> None:
    audience = Audience(cast("Any", ["first", "second"]))  # only how many there are matters
    waiting = asyncio.create_task(audience.all_saw(3))
    for moment in (7.0, 8.0):
        assert not waiting.done()
        audience.seen.setdefault(3, []).append(moment)
        audience.changed.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert await waiting == [7.0, 8.0]


def test_without_the_right_a_command_stays_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    is_allowed.cache_clear()
    try:
        assert preceding(["python", "-V"]) == ["python", "-V"]
        with precedence_of([1]):
            pass  # nothing is touched
    finally:
        is_allowed.cache_clear()


def _hold_up() -> None:

    until = time.perf_counter() + 0.04
    while time.perf_counter() < until:
        pass
    gc.collect()
