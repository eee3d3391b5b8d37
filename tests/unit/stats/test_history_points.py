"""How hours become days."""

from stats.history.object_names import day_key, find_start, hour_key
from stats.history.points import NOTHING_KNOWN, Point, Step, in_steps
from support.past_figures import DAY, HOUR


def test_a_day_has_weighted_means_maxima_and_the_last_usage() -> None:
    hours = [
        Point(DAY, 30, (1.0, 2, 1, 1, 5, 50, 500)),
        Point(DAY + HOUR, 60, (4.0, 6, 2.5, 3, 6, 51, 501)),
        Point(DAY + 5 * HOUR, 10, NOTHING_KNOWN),
    ]
    assert in_steps(hours, Step.DAY) == [Point(DAY, 100, (3.0, 6, 2.0, 3, 6, 51, 501))]


def test_days_end_at_midnight_of_utc() -> None:
    hours = [Point(DAY + number * HOUR, 1, NOTHING_KNOWN) for number in (23, 24, 25)]
    assert [(point.at, point.samples) for point in in_steps(hours, Step.DAY)] == [
        (DAY, 1),
        (DAY + 24 * HOUR, 2),
    ]


def test_totals_of_a_day_have_the_rest_of_the_last_hour() -> None:
    values = (1, 1, None, None, 1, 1, 1)
    hours = [
        Point(DAY, 1, values, values, {"models": 3}),
        Point(DAY + HOUR, 1, values, (3, 5, None, None, 2, 2, 2), {"models": 4}),
    ]
    (day,) = in_steps(hours, Step.DAY)
    assert day.unattributed == (2.0, 5, None, None, 2, 2, 2)
    assert day.rest == {"models": 4}


def test_a_point_names_its_figures() -> None:
    point = Point(DAY, 7, (1.5, 2, 1, 1, 3, 4, 5), (1, 1, None, None, 6, 7, 8), {"models": 9})
    assert point.as_json() == {
        "at": DAY,
        "samples": 7,
        "models": 9,
        "thread_count_mean": 1.5,
        "thread_count_max": 2,
        "worker_count_mean": 1,
        "worker_count_max": 1,
        "usage_day": 3,
        "usage_month": 4,
        "usage_total": 5,
        "unattributed": {
            "thread_count_mean": 1,
            "thread_count_max": 1,
            "usage_day": 6,
            "usage_month": 7,
            "usage_total": 8,
        },
    }


def test_names_of_objects_tell_their_time() -> None:
    assert hour_key("clip", DAY + HOUR) == "stats/hourly/clip/2026112101.json.gz"
    assert find_start(hour_key("clip", DAY + HOUR)) == DAY + HOUR
    assert find_start(day_key("clip", DAY)) == DAY


def test_other_names_tell_no_time() -> None:
    others = [
        "stats/hourly/clip/2026132101.json.gz",
        "stats/hourly/clip/x",
        "stats/hourly/clip/20261121.json",
    ]
    assert [find_start(key) for key in others] == [None] * 3
