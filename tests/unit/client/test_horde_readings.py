import json

import pytest

from horde_model_reference.integrations.horde_figures import (
    LARGEST,
    ModelStatus,
    Usage,
    parse_status,
    parse_usage,
    parse_workers,
    read_status,
    read_usage,
    read_workers,
)


@pytest.mark.parametrize("value", [None, 5, "x", {"a": 1}, {"day": 1, "month": None, "total": []}])
def test_what_is_something_else_is_no_answer(value: object) -> None:
    assert parse_status(value) is None
    assert parse_usage(value) is None
    assert parse_workers(value) is None
    assert read_status(value) is None
    assert read_usage(value) is None
    assert read_workers(value) is None


def test_strange_members_of_a_line_count_as_nothing() -> None:
    lines = [{"name": "a", "count": "3", "performance": float("nan"), "eta": True, "jobs": -1, "queued": 2.5}]
    reading = parse_status(lines)
    assert reading is not None
    assert reading.value == (ModelStatus("a", threads=0, performance=0, queued=2.5, jobs=0, eta=0),)
    assert reading.skipped == 0


def test_lines_without_a_name_are_left_out_and_counted() -> None:
    reading = parse_status([{"name": 5}, {}, 7, {"name": ""}, {"name": "a", "new": "member", "count": 2.0}])
    assert reading is not None
    assert [(line.name, line.threads) for line in reading.value] == [("a", 2)]
    assert reading.skipped == 4


def test_half_characters_are_not_let_in() -> None:
    half = json.loads('"\\ud800"')
    status, usage, workers = (
        parse_status([{"name": half}]),
        parse_usage({"day": {half: 1}}),
        parse_workers([{"id": half}, {"id": "b", "name": half, "performance": half, "models": [half, "m"]}]),
    )
    assert status is not None
    assert (status.value, status.skipped) == ((), 1)
    assert usage is not None
    assert (usage.value, usage.skipped) == ({}, 1)
    assert workers is not None
    assert [(w.id, w.name, w.performance, w.models) for w in workers.value] == [("b", "", "", ("m",))]
    assert workers.skipped == 1


@pytest.mark.parametrize("number", [LARGEST + 1, 10**400, float("inf"), 1e300])
def test_numbers_beyond_all_reason_count_as_nothing(number: float) -> None:
    assert read_status([{"name": "a", "count": number, "queued": number}]) == (
        ModelStatus("a", threads=0, performance=0, queued=0, jobs=0, eta=0),
    )


def test_names_without_any_number_are_left_out_of_the_usage_and_counted() -> None:
    reading = parse_usage({"day": {"a": None, "c": 1}, "month": {"b": 2.0, "c": "many"}})
    assert reading is not None
    assert reading.value == {"b": Usage(0, 2, 0), "c": Usage(1, 0, 0)}
    assert reading.skipped == 1


def test_a_horde_that_has_not_counted_yet_answers_but_tells_nothing() -> None:
    empty: dict[str, object] = {"day": {}, "month": {}, "total": {}}
    reading = parse_usage(empty)
    assert reading is not None
    assert (reading.value, reading.skipped) == ({}, 0)
    assert read_usage(empty) is None


def test_strange_workers_are_left_out_and_counted() -> None:
    reading = parse_workers([{"id": "a", "type": "new", "uptime": None}, {"name": "no id"}, "rubbish", None])
    assert reading is not None
    assert [(worker.id, worker.online, worker.uptime, worker.models) for worker in reading.value] == [
        ("a", False, 0, ())
    ]
    assert reading.skipped == 3
