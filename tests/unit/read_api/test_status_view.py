"""What anybody sees of the system, and what only approvers."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from read_api.domain.instance_board import InstanceBoard
from read_api.domain.system_picture import SystemPicture, picture_of
from read_api.served_status import HIDDEN, public_problem
from read_api.status_shapes import Status
from read_api.status_view import operator_view, public_view
from service_kit.errors import StoreUnavailable
from support.a_clock import AClock
from support.instance_reports import a_check, a_report, minutes


def a_picture(*, error: str = "no answer", host: str = "machine-7", **repository: Any) -> SystemPicture:
    board = InstanceBoard(clock=AClock())
    failing = {"ok": False, "last_error": error, "last_error_at": minutes(3)}
    board.take(a_report(host=host, checks=[a_check("catalogue"), {**a_check("store"), **failing}]))
    fact = {
        "source": "image",
        "repository": "owner/name",
        "compared_at": minutes(2),
        "revision": 3,
        "drift": {"blip": 2, "clip": 1},
        "pull_number": 12,
        "pull_url": "https://github.com/owner/name/pull/12",
        **repository,
    }
    board.take(a_report("sync-worker", host=host, repositories=[fact]))
    return picture_of(board)


secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60).map(
    "s3cr3t-{}".format  # or it would be found to be a word of ours
)


@given(secrets)
def test_nothing_of_errors_and_hosts_is_public(secret: str) -> None:
    failures = {"blip": secret}
    picture = a_picture(error=secret, host=secret, failures=failures, pull_url=f"https://{secret}/pull/1")
    shown = orjson.dumps(public_view(picture)).decode()
    assert json.dumps(secret)[1:-1] not in shown
    assert json.dumps(secret)[1:-1] in orjson.dumps(operator_view(picture)).decode()


def test_component_says_state_times_and_latency() -> None:
    store = public_view(a_picture())["components"]["object_store"]
    assert store == {
        "state": "down",
        "since": "2026-03-04T05:00:00+00:00",
        "ready": 0,
        "total": 1,
        "latency_seconds": None,
        "last_error_at": "2026-03-04T05:03:00+00:00",
    }


def test_repository_links_to_its_pull_request() -> None:
    assert public_view(a_picture())["github"] == [
        {
            "repository": "owner/name",
            "state": "differs",
            "differences": 3,
            "revision": 3,
            "compared_at": "2026-03-04T05:02:00+00:00",
            "pull_request": {"number": 12, "url": "https://github.com/owner/name/pull/12"},
        }
    ]


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({"failures": {"owner/name": "no"}}, "failing"),
        ({"compared_at": None}, "unknown"),
        ({"drift": {"blip": 0}}, "in_step"),
        ({"drift": {"blip": 0, "clip": 1}}, "differs"),
    ],
)
def test_state_of_a_repository_is_a_word(known: dict[str, Any], state: str) -> None:
    assert public_view(a_picture(**known))["github"][0]["state"] == state


def test_link_to_another_server_is_for_approvers() -> None:
    picture = a_picture(pull_url="https://git.internal/owner/name/pull/12")
    assert public_view(picture)["github"][0]["pull_request"] == {"number": 12, "url": None}
    shown = operator_view(picture)["github"][0]["pull_request"]
    assert shown == {"number": 12, "url": "https://git.internal/owner/name/pull/12"}


def test_repository_without_a_pull_request_has_none() -> None:
    assert public_view(a_picture(pull_number=None))["github"][0]["pull_request"] is None


def test_approver_sees_every_check_and_host() -> None:
    details = operator_view(a_picture(error="the bucket is gone"))
    assert details["components"]["object_store"] == {"last_error": "the bucket is gone"}
    [reader] = [one for one in details["instances"] if one["id"] == "read-api-1"]
    assert reader["host"] == "machine-7"
    assert reader["checks"]["store"]["last_error"] == "the bucket is gone"
    assert reader["checks"]["catalogue"]["ok"] is True


def test_public_view_has_the_described_shape() -> None:
    Status.model_validate(
        {
            **public_view(a_picture()),
            **dict.fromkeys(("revision", "sequence", "committed_at", "details", "details_withheld")),
            "stale": False,
            "store": {"reachable": True, "seconds_since_contact": 1.0, "problem": None},
            "categories": {},
            "replicate_mode": "PRIMARY",
            "canonical_format": "v2",
            "writable": True,
            "cors_origins": 0,
            "knows": "every instance",
        }
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the data directory /srv/secret/data does not exist", f"the data directory {HIDDEN} does not exist"),
        ("cannot reach http://user:pw@10.0.0.7:9000/x now", f"cannot reach {HIDDEN} now"),
        ("10.1.2.3:6379 refuses", f"{HIDDEN} refuses"),
        ("no route to redis.internal:6379 today", f"no route to {HIDDEN} today"),
        ("[fe80::1]:80 is away", f"{HIDDEN} is away"),
        ("journal/000000000007.json has another hash", "journal/000000000007.json has another hash"),
        ("clip: what was there is gone now", "clip: what was there is gone now"),
        ("the object store does not answer", "the object store does not answer"),
        ("journal entry 7 comes from 2026-03-04T05:06:07", "journal entry 7 comes from 2026-03-04T05:06:07"),
    ],
)
def test_problem_tells_what_but_not_where(text: str, shown: str) -> None:
    assert public_problem(StoreUnavailable(text)) == shown


def test_problem_that_is_none_of_ours_is_only_named() -> None:
    assert public_problem(OSError("/secret")) == "OSError"
