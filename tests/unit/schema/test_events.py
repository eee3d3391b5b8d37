"""Event types: what goes over the wire, and what is tolerated there."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from horde_model_reference.events import (
    EVENT_TYPES,
    CatalogCommitted,
    ChangeApplied,
    ChangeDecided,
    ChangeProposed,
    Event,
    EventInvalid,
    StatsRefreshed,
    SyncCompleted,
    SyncFailed,
    parse_event,
)

WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
EVENTS: tuple[Event, ...] = (
    CatalogCommitted(occurred_at=WHEN, sequence=7, revision=3, kind="applied"),
    ChangeProposed(occurred_at=WHEN, sequence=4, revision=2, change_ids=(1, 2), user_id="6572"),
    ChangeDecided(
        occurred_at=WHEN, sequence=5, revision=2, approved_ids=(1,), rejected_ids=(2,), user_id="1"
    ),
    ChangeApplied(occurred_at=WHEN, sequence=7, revision=3, change_ids=(1,), user_id="1", job_id="j"),
)


def wire(event: Event, **changes: object) -> bytes:
    return json.dumps({**json.loads(event.render()), **changes}).encode()


def without(event: Event, field: str) -> bytes:
    return json.dumps({k: v for k, v in json.loads(event.render()).items() if k != field}).encode()


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.routing_key)
def test_event_comes_back_as_it_was_sent(event: Event) -> None:
    assert parse_event(event.routing_key, event.render()) == event


def test_wire_format_is_frozen() -> None:
    event = ChangeApplied(
        event_id="e" * 32, occurred_at=WHEN, sequence=7, revision=3, change_ids=(1,), user_id="1"
    )
    assert json.loads(event.render()) == {
        "event_id": "e" * 32,
        "schema_version": 2,
        "occurred_at": "2026-03-04T05:06:07Z",
        "request_id": "",
        "sequence": 7,
        "revision": 3,
        "change_ids": [1],
        "user_id": "1",
        "job_id": None,
    }


def test_the_end_of_a_sync_comes_back_as_it_was_sent() -> None:
    told = {"occurred_at": WHEN, "repository": "o/r", "revision": 3, "drift": {"blip": 2}, "pull_number": 7}
    done = SyncCompleted.model_validate({**told, "result": "opened"})
    failed = SyncFailed.model_validate({**told, "failures": {"blip": "no answer"}})
    assert parse_event("sync.completed", done.render()) == done
    assert parse_event("sync.failed", failed.render()) == failed


def test_routing_keys_are_frozen() -> None:
    assert sorted(EVENT_TYPES) == [
        "catalog.committed",
        "change.applied",
        "change.decided",
        "change.proposed",
        "instance.reported",
        "stats.refreshed",
        "sync.completed",
        "sync.failed",
    ]


def test_each_event_has_an_id_of_its_own() -> None:
    one, other = (CatalogCommitted(occurred_at=WHEN, sequence=1, revision=1, kind="seeded") for _ in "ab")
    assert one.event_id != other.event_id


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.routing_key)
def test_unknown_fields_and_later_schemas_are_understood(event: Event) -> None:
    parsed = parse_event(event.routing_key, wire(event, later_field={"x": 1}, schema_version=2))
    assert parsed == event.model_copy(update={"schema_version": 2})


@pytest.mark.parametrize("routing_key", ["sync.started", "", "catalog", "CATALOG.COMMITTED"])
def test_unknown_type_is_none_whatever_its_body(routing_key: str) -> None:
    assert parse_event(routing_key, b"\xff not json") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        wire(EVENTS[0], sequence=0),
        wire(EVENTS[0], sequence="seven"),
        wire(EVENTS[0], revision=-1),
        wire(EVENTS[0], occurred_at="2026-03-04T05:06:07"),
        wire(EVENTS[0], event_id=""),
        *(without(EVENTS[0], field) for field in ("sequence", "revision", "occurred_at", "kind")),
    ],
)
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(EventInvalid, match=r"no catalog\.committed"):
        parse_event("catalog.committed", body)


@given(st.sampled_from(sorted(EVENT_TYPES)), st.binary(max_size=200))
def test_any_bytes_are_an_event_or_refused(routing_key: str, body: bytes) -> None:
    with pytest.raises(EventInvalid):
        parse_event(routing_key, body)


def test_time_without_zone_is_refused_and_another_zone_is_the_same_time() -> None:
    with pytest.raises(ValidationError):
        CatalogCommitted(occurred_at=WHEN.replace(tzinfo=None), sequence=1, revision=1, kind="seeded")
    local = WHEN.astimezone(timezone(timedelta(hours=2)))
    event = CatalogCommitted(occurred_at=local, sequence=1, revision=1, kind="seeded")
    parsed = parse_event(event.routing_key, event.render())
    assert parsed is not None
    assert parsed.occurred_at == WHEN


def test_event_that_is_not_about_the_journal_needs_no_entry_and_comes_back() -> None:
    event = StatsRefreshed(event_id="e" * 32, occurred_at=WHEN, published_at={"image": 1.5, "text": 2.25})
    assert parse_event("stats.refreshed", event.render()) == event
    assert json.loads(event.render()) == {
        "event_id": "e" * 32,
        "schema_version": 2,
        "occurred_at": "2026-03-04T05:06:07Z",
        "request_id": "",
        "published_at": {"image": 1.5, "text": 2.25},
    }
