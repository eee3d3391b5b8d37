"""Which texts are moments."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from stats.routes.history import NEWEST, OLDEST, parse_moment
from support.past_figures import DAY

IN_BOUNDS = st.datetimes(datetime.fromisoformat("2000-01-02"), datetime.fromisoformat("2099-12-30"))
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    "text",
    [
        str(DAY),
        f"{DAY}.75",
        f" {DAY} ",
        "2026-11-21",
        "20261121",
        "2026-11-21T00:00:00Z",
        "2026-11-21T00:00",
        "2026-11-21T01:00:00+01:00",
        "2026-11-21T01:00:00 01:00",
        "2026-11-20T19:00:00-05:00",
    ],
)
def test_a_moment_in_any_form_is_its_unix_seconds(text: str) -> None:
    assert parse_moment(text) == DAY


@pytest.mark.parametrize(
    "text",
    ["", "5", "yesterday", "2026", "2026-13-01", "1e9", "nan", "inf", "-1795219200", "9" * 400, "٣" * 10],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(PydanticCustomError):
        parse_moment(text)


@given(st.text())
def test_any_text_is_a_moment_within_bounds_or_refused(text: str) -> None:
    try:
        found = parse_moment(text)
    except PydanticCustomError:
        return
    assert isinstance(found, int)
    assert OLDEST <= found <= NEWEST


@given(IN_BOUNDS, OFFSETS)
def test_a_time_with_an_offset_is_that_moment(time: datetime, offset: timezone) -> None:
    moment = time.replace(tzinfo=offset)
    assert parse_moment(moment.isoformat()) == moment.timestamp() // 1


@given(IN_BOUNDS)
def test_a_time_without_an_offset_is_one_of_utc(time: datetime) -> None:
    assert parse_moment(time.isoformat()) == time.replace(tzinfo=UTC).timestamp() // 1
