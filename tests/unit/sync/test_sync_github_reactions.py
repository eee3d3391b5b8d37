"""What answers of GitHub mean, whatever stands in them (sync.md section 9)."""

import json
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from sync_worker.github.calls import Call
from sync_worker.github.errors import (
    AlreadyExists,
    BaseMoved,
    GithubFailed,
    GithubRefused,
    GithubUnavailable,
    NothingToMerge,
    RateLimited,
    TokenRefused,
)
from sync_worker.github.reactions import failure_of
from sync_worker.github.transport import HttpAnswer

READ = Call("read", "GET", "/x")
WRITE = Call("write", "POST", "/x")
NOW = 1_800_000_000.0


def failure(status: int, body: object = None, *, call: Call = READ, **headers: str) -> GithubFailed | None:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return failure_of(call, HttpAnswer(status, named, json.dumps(body).encode()), NOW)


def seconds_of(found: GithubFailed | None) -> float:
    assert isinstance(found, RateLimited)
    return found.until - NOW


@pytest.mark.parametrize("status", [200, 201, 204])
def test_success_is_no_failure(status: int) -> None:
    assert failure(status, {"message": "already exists"}) is None


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (301, "", GithubRefused),
        (400, "", GithubRefused),
        (401, "", TokenRefused),
        (403, "", GithubRefused),
        (404, "", GithubRefused),
        (408, "", GithubUnavailable),
        (409, "", BaseMoved),
        (410, "", GithubRefused),
        (422, "", GithubRefused),
        (422, "Update is not a fast forward", BaseMoved),
        (422, "Reference already exists", AlreadyExists),
        (422, "A pull request already exists for a:b.", AlreadyExists),
        (422, "No commits between main and sync/a", NothingToMerge),
        (429, "", RateLimited),
        (500, "", GithubUnavailable),
        (503, "already exists", GithubUnavailable),
    ],
)
def test_every_status_has_its_meaning(status: int, message: str, kind: type[GithubFailed]) -> None:
    assert type(failure(status, {"message": message})) is kind


def test_reason_may_stand_in_a_detail() -> None:
    body = {
        "message": "Validation Failed",
        "errors": [{"code": "custom", "message": "No commits between a and b"}],
    }
    assert isinstance(failure(422, body), NothingToMerge)


def test_said_seconds_count_before_everything_else() -> None:
    reset = str(int(NOW + 3000))
    found = failure(403, x_ratelimit_remaining="0", x_ratelimit_reset=reset, retry_after="5")
    assert seconds_of(found) == 5


def test_reset_is_told_by_the_clock_of_github() -> None:
    reset = str(int(NOW + 7200 + 90))
    found = failure(
        403, x_ratelimit_remaining="0", x_ratelimit_reset=reset, date=formatdate(NOW + 7200, usegmt=True)
    )
    assert seconds_of(found) == pytest.approx(90)
    assert isinstance(found, RateLimited)
    assert not found.is_secondary


@pytest.mark.parametrize("date", ["", "yesterday", "Thu, 99 Foo 2026 00:00:00 GMT"])
def test_answer_without_a_usable_date_is_read_by_our_clock(date: str) -> None:
    reset = str(int(NOW + 90))
    found = failure(429, x_ratelimit_remaining="0", x_ratelimit_reset=reset, date=date)
    assert seconds_of(found) == pytest.approx(90)


def test_reset_in_the_past_is_waited_for_a_second() -> None:
    assert seconds_of(failure(403, x_ratelimit_remaining="0", x_ratelimit_reset="5")) == 1


@pytest.mark.parametrize("said", ["soon", "-5", "1.5", "9" * 30, "\N{ARABIC-INDIC DIGIT FIVE}"])
def test_seconds_that_are_no_number_are_a_minute(said: str) -> None:
    assert seconds_of(failure(429, retry_after=said)) == 60


def test_calls_that_are_left_make_a_refusal_no_limit() -> None:
    found = failure(403, {"message": "no"}, x_ratelimit_remaining="1", x_ratelimit_reset="5")
    assert type(found) is GithubRefused


def test_missing_repository_is_told_apart_for_writes() -> None:
    assert "access" in str(failure(404, call=WRITE))
    assert "access" not in str(failure(404, call=READ))


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["message", "errors", "code"]), inner),
)


@given(
    st.integers(100, 999),
    json_values.map(lambda value: json.dumps(value).encode()) | st.binary(),
    st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset", "date"]),
        st.text() | st.integers().map(str) | st.just("0"),
    ),
)
def test_any_answer_is_understood_and_told_in_one_short_line(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    found = failure_of(WRITE, HttpAnswer(status, CIMultiDict(headers), body), NOW)
    assert (found is None) == (200 <= status < 300)
    assert len(str(found)) < 600
    assert str(found).isascii()
    assert str(found).isprintable()
