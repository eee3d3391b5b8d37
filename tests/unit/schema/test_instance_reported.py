"""The event in which an instance speaks of itself: what goes over the wire, and what is refused."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from horde_model_reference.events import EventInvalid, InstanceReported, parse_event

WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LEAST: dict[str, Any] = {
    "occurred_at": WHEN.isoformat(),
    "service": "read-api",
    "instance_id": "0a1b2c",
    "number": 1,
    "started_at": WHEN.isoformat(),
    "state": "running",
}
CHECK = {"name": "store", "ok": False, "since": WHEN.isoformat()}


def parsed(**members: object) -> InstanceReported:
    event = parse_event("instance.reported", json.dumps({**LEAST, **members}).encode())
    assert isinstance(event, InstanceReported)
    return event


def test_least_report_says_nothing_of_what_the_instance_does_not_know() -> None:
    report = parsed()
    known = (report.queue, report.roles, report.work, report.unseeded, report.sequence, report.revision)
    assert known == (None,) * 6
    assert (report.checks, report.figures, report.repositories, report.parts) == ((), (), (), ())


def test_full_report_comes_back_as_it_was_sent() -> None:
    report = parsed(
        parts=["read-api", "stats"],
        version="0.1.0+local",
        host="machine-7",
        sequence=7,
        revision=3,
        checks=[CHECK | {"last_error": "gone", "last_error_at": WHEN.isoformat(), "seconds": 0.5}],
        latencies={"github": 0.25},
        queue={"pending": 1, "approved": 2},
        roles={"requestor": True, "approver": False},
        figures=[{"kind": "image", "received_at": WHEN.isoformat(), "stale": True}],
        work={"waiting": 3, "dead_letters": 4},
        repositories=[{"source": "image", "repository": "Owner/some.name", "drift": {"clip": 2}}],
        unseeded=["blip"],
    )
    assert parse_event("instance.reported", report.render()) == report
    assert report.checks[0].last_error == "gone"
    assert report.repositories[0].drift == {"clip": 2}


def test_later_members_are_ignored_also_inside() -> None:
    report = parsed(later=1, checks=[{**CHECK, "later": {"x": 1}}])
    assert report.checks[0].name == "store"


@pytest.mark.parametrize(
    "members",
    [
        {"service": ""},
        {"service": "<script>"},
        {"service": "a b"},
        {"instance_id": "x" * 65},
        {"number": 0},
        {"state": "dead"},
        {"revision": -1},
        {"version": "1 or 2"},
        {"host": "x" * 254},
        {"latencies": {"github": -1}},
        {"checks": [{**CHECK, "seconds": -1}]},
        {"checks": [{**CHECK, "last_error": "x" * 501}]},
        {"checks": [{**CHECK, "since": "2026-03-04T05:06:07"}]},
        {"queue": {"pending": -1, "approved": 0}},
        {"repositories": [{"source": "image", "repository": "no-owner"}]},
        {"repositories": [{"source": "image", "repository": "https://evil/x"}]},
        {"unseeded": ["a<b"]},
    ],
)
def test_what_could_not_be_shown_to_anybody_is_refused(members: dict[str, object]) -> None:
    with pytest.raises(EventInvalid):
        parsed(**members)
