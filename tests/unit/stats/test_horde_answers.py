"""What counts as an answer of the AI-Horde, and what as a failure."""

import contextlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.integrations.horde_figures import Usage
from stats.domain.runtime import Source
from stats.horde.answers import HordeCallFailed, read_answer
from stats.horde.client import MAX_RETRY_AFTER_SECONDS, refusal, retry_after_seconds

LINE = {"name": "A", "count": 2, "performance": 1.5, "queued": 3.25, "jobs": 1.5, "eta": 4, "type": "image"}
WORKER = {"id": "w", "name": "n", "online": True, "maintenance_mode": False, "models": ["A"], "later": {}}


def read(source: Source, value: Any) -> Any:
    return read_answer(source, json.dumps(value).encode())


def test_status_with_fractions_and_unknown_fields_is_read_as_it_is() -> None:
    (line,) = read(Source.STATUS, [{**LINE, "later": 1}]).value
    assert (line.name, line.threads, line.queued, line.jobs) == ("A", 2, 3.25, 1.5)


def test_entries_without_a_name_are_left_out_and_counted() -> None:
    reading = read(Source.STATUS, [LINE, {"count": 1}, None, "x", {**LINE, "name": 5}])
    assert (len(reading.value), reading.skipped) == (1, 4)


def test_workers_without_an_id_are_left_out_and_counted() -> None:
    reading = read(Source.WORKERS, [WORKER, {**WORKER, "id": None}, 7])
    assert (len(reading.value), reading.skipped) == (1, 2)


@pytest.mark.parametrize("source", [Source.STATUS, Source.WORKERS])
def test_empty_list_is_an_answer(source: Source) -> None:
    assert read(source, []).value == ()


@pytest.mark.parametrize("value", [{"day": {}, "month": {}, "total": {}}, {"day": {}}, {}])
def test_usage_without_any_name_is_nothing(value: Any) -> None:
    assert read(Source.USAGE, value) is None


def test_usage_is_read_by_name() -> None:
    value = {"day": {"A": 1}, "month": {"A": 2, "B": "x"}, "total": {"A": 3}}
    reading = read(Source.USAGE, value)
    assert reading.value == {"A": Usage(1, 2, 3)}
    assert reading.skipped == 1


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (Source.STATUS, {"message": "OK"}),
        (Source.STATUS, None),
        (Source.STATUS, "x"),
        (Source.STATUS, [1, 2]),
        (Source.STATUS, [{"id": "no name"}]),
        (Source.WORKERS, {}),
        (Source.WORKERS, [[]]),
        (Source.USAGE, []),
        (Source.USAGE, {"message": "maintenance"}),
        (Source.USAGE, {"day": {"A": "x"}, "month": {}, "total": {}}),
        (Source.USAGE, 5),
    ],
)
def test_what_is_no_such_answer_is_a_failure(source: Source, value: Any) -> None:
    with pytest.raises(HordeCallFailed):
        read(source, value)


@pytest.mark.parametrize(
    "body", [b"", b"<html>gateway trouble</html>", b'[{"name": "A"', b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_no_json_is_a_failure(body: bytes) -> None:
    with pytest.raises(HordeCallFailed):
        read_answer(Source.STATUS, body)


def test_numbers_that_json_does_not_know_and_halves_of_characters_cost_only_their_entry() -> None:
    body = b'[{"name": "A", "performance": NaN}, {"name": "\\ud800"}, {"name": "B", "eta": Infinity}]'
    reading = read_answer(Source.STATUS, body)
    assert reading is not None
    assert [(line.name, line.performance, line.eta) for line in reading.value] == [("A", 0, 0), ("B", 0, 0)]
    assert reading.skipped == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "id", "count", "day", "month", "total", "models", "queued", "A"]), inner
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(list(Source)), JSON)
def test_any_json_is_read_or_a_failure_and_what_is_read_can_be_passed_on(source: Source, value: Any) -> None:
    try:
        reading = read(source, value)
    except HordeCallFailed:
        return
    if reading is not None:
        orjson.dumps(reading.value)


@given(st.sampled_from(list(Source)), st.binary(max_size=50))
def test_any_bytes_are_read_or_a_failure(source: Source, body: bytes) -> None:
    with contextlib.suppress(HordeCallFailed):
        reading = read_answer(source, body)
        assert reading is None or reading.skipped >= 0


NOW = 1_790_000_000.0  # Mon, 21 Sep 2026 14:13:20 GMT


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        ("Mon, 21 Sep 2026 14:13:50 GMT", 30),
        ("Mon, 21 Sep 2026 14:13:50", 30),
        ("Mon, 21 Sep 2026 14:00:00 GMT", 0),
        ("Mon, 21 Sep 2099 14:00:00 GMT", MAX_RETRY_AFTER_SECONDS),
        ("99999999999999999999", MAX_RETRY_AFTER_SECONDS),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
        ("7.5", 0),
        ("\u0667", 0),
    ],
)
def test_retry_after_is_a_number_or_a_date_within_a_limit(text: str, seconds: float) -> None:
    assert retry_after_seconds(text, NOW) == seconds


@given(st.text(max_size=40))
def test_any_retry_after_is_within_the_limit(text: str) -> None:
    assert 0 <= retry_after_seconds(text, NOW) <= MAX_RETRY_AFTER_SECONDS


@pytest.mark.parametrize(
    ("status", "may_pass"),
    [
        (429, True),
        (500, True),
        (502, True),
        (503, True),
        (408, True),
        (302, False),
        (404, False),
        (400, False),
    ],
)
def test_refusals_that_may_pass_are_told_from_those_that_do_not(status: int, may_pass: bool) -> None:
    error = refusal(status, "30", NOW)
    assert error.may_pass is may_pass
    assert error.retry_after_seconds == (30 if status in {429, 503} else 0)
