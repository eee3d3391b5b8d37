"""Under which keys the history lies in object storage: names sort by time, in one flat folder each."""

import calendar
import re
import time
from typing import Final, NamedTuple

HOUR_SECONDS: Final = 3600
DAY_SECONDS: Final = 24 * HOUR_SECONDS

_NAME: Final = re.compile(
    r"stats/(?:hourly|daily)/(?P<category>[a-z0-9_]+)/(?P<time>\d{8}(?:\d\d)?)\.json\.gz"
)


class Hour(NamedTuple):
    """One hour of one category. `start` is in Unix seconds, a multiple of 3600."""

    category: str
    start: int

    @property
    def end(self) -> int:
        """When it is over."""
        return self.start + HOUR_SECONDS


def hour_of(category: str, moment: float) -> Hour:
    """Return the hour in which a moment lies."""
    return Hour(category, floored(moment, HOUR_SECONDS))


def floored(moment: float, step_seconds: int) -> int:
    """Return when the step began in which a moment lies; days are those of UTC."""
    return int(moment // step_seconds) * step_seconds


def hourly_folder(category: str) -> str:
    """Return where the hours lie that no day has taken in."""
    return f"stats/hourly/{category}/"


def daily_folder(category: str) -> str:
    """Return where the days lie."""
    return f"stats/daily/{category}/"


def hour_key(category: str, start: int) -> str:
    """Return the key of an hour."""
    return f"{hourly_folder(category)}{time.strftime('%Y%m%d%H', time.gmtime(start))}.json.gz"


def day_key(category: str, start: int) -> str:
    """Return the key of a day."""
    return f"{daily_folder(category)}{time.strftime('%Y%m%d', time.gmtime(start))}.json.gz"


def find_start(key: str) -> int | None:
    """Return when the hour or day of a key begins; None for the key of something else."""
    found = _NAME.fullmatch(key)
    if found is None:
        return None
    form = "%Y%m%d%H" if len(found["time"]) == 10 else "%Y%m%d"
    try:
        return calendar.timegm(time.strptime(found["time"], form))
    except ValueError:  # a 13th month
        return None
