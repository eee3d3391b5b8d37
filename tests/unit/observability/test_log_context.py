"""Log lines say which request, and which events, they are about."""

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_kit.event_bus import Message
from service_kit.event_cause import cause_of
from service_kit.event_delivery import deliver
from service_kit.log_context import (
    MAX_CAUSES,
    MAX_CHANGE_IDS,
    REQUEST_ID,
    Cause,
    Causes,
    acting_on,
    log_fields,
    origin_request_id,
)
from service_kit.logging_setup import JsonLineFormatter


def message(*, deliveries: int = 1, **members: object) -> Message:
    return Message("a.b", json.dumps(members).encode(), deliveries)


def test_nothing_is_said_outside_of_requests_and_events() -> None:
    assert log_fields() == {}
    assert origin_request_id() == ""


async def test_tasks_of_a_request_say_its_id_and_others_do_not() -> None:
    async def work(request_id: str) -> object:
        REQUEST_ID.set(request_id)
        await asyncio.sleep(0)
        return await asyncio.create_task(say())

    async def say() -> object:
        return log_fields()

    told = await asyncio.gather(asyncio.create_task(work("one")), asyncio.create_task(work("other")))
    assert list(told) == [{"request_id": "one"}, {"request_id": "other"}]
    assert log_fields() == {}


def test_line_has_the_context_and_what_it_says_itself_counts_more() -> None:
    record = logging.makeLogRecord({"msg": "done", "fields": {"change_ids": [9]}})
    with acting_on(Cause("e-1", "r-1", (3, 2))):
        line = json.loads(JsonLineFormatter("stats").format(record))
    assert line["caused_by"] == ["r-1"]
    assert line["change_ids"] == [9]
    assert "request_id" not in line


def test_causes_of_several_events_are_named_once_each() -> None:
    with acting_on(Cause("e-1", "r-1", (3,)), Cause("e-2", "r-1", (1, 3)), Cause("e-3")):
        assert log_fields() == {"caused_by": ["r-1", "e-3"], "change_ids": [1, 3]}
        assert origin_request_id() == "r-1"


def test_very_many_changes_are_not_all_named() -> None:
    with acting_on(Cause("e", "r", tuple(range(1, 5000)))):
        assert len(str(log_fields()["change_ids"])) < 10 * MAX_CHANGE_IDS


def test_what_was_noted_is_acted_on_once() -> None:
    causes = Causes()
    with acting_on(Cause("e-1", "r-1")):
        causes.note()
        causes.note()
    with causes.acting():
        assert log_fields() == {"caused_by": ["r-1"]}
    with causes.acting():
        assert log_fields() == {}


def test_what_failed_is_acted_on_again() -> None:
    causes = Causes()
    with acting_on(Cause("e-1", "r-1")):
        causes.note()

    def fail() -> None:
        with causes.acting():
            with acting_on(Cause("e-2", "r-2")):  # another one comes meanwhile
                causes.note()
            raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        fail()
    with causes.acting():
        assert log_fields() == {"caused_by": ["r-1", "r-2"]}


def test_of_very_many_causes_the_latest_are_kept() -> None:
    causes = Causes()
    for number in range(3 * MAX_CAUSES):
        with acting_on(Cause(f"e-{number}")):
            causes.note()
    with causes.acting():
        told = log_fields()["caused_by"]
    assert told == [f"e-{number}" for number in range(2 * MAX_CAUSES, 3 * MAX_CAUSES)]


async def test_handler_acts_for_its_event() -> None:
    told: list[object] = []

    async def handle(_: Message) -> None:
        told.append(log_fields())

    await deliver(message(request_id="r-1", event_id="e-1", change_ids=[4]), handle)
    assert told == [{"caused_by": ["r-1"], "change_ids": [4]}]
    assert log_fields() == {}


async def test_lag_is_told_of_the_first_delivery_only() -> None:
    lags: list[float] = []
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()

    async def handle(_: Message) -> None:
        pass

    for deliveries in (1, 2):
        await deliver(message(occurred_at=an_hour_ago, deliveries=deliveries), handle, note_lag=lags.append)
    assert [3600 <= lag < 3700 for lag in lags] == [True]


def test_clock_of_the_sender_may_be_ahead() -> None:
    _, lag_seconds = cause_of(message(occurred_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat()))
    assert lag_seconds == 0.0


def test_decided_changes_are_named_whether_approved_or_rejected() -> None:
    cause, _ = cause_of(message(event_id="e", approved_ids=[1], rejected_ids=[2]))
    assert cause == Cause("e", "", (1, 2))


@given(st.binary(max_size=200))
def test_body_that_is_no_event_has_no_cause(body: bytes) -> None:
    cause, lag_seconds = cause_of(Message("a.b", b"\xff" + body))
    assert (cause, lag_seconds) == (Cause(), None)


def test_ids_that_are_too_long_for_a_log_are_not_taken() -> None:
    assert cause_of(message(request_id="x" * 129)) == (Cause(), None)
