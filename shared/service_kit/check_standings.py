"""Runs the checks of an instance in the background, and remembers since when they go as they do."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from service_kit.health import CHECK_TIMEOUT_SECONDS, Check, outcome_of

OK: Final = "ok"
MAX_TEXT: Final = 300

Wall = Callable[[], datetime]

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """Return the time of day."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class CheckStanding:
    """How one check goes. `last_error` is kept, with its time, when it goes well again.

    `seconds` is None where the time that it took says nothing.
    """

    name: str
    ok: bool
    required: bool
    since: datetime
    seconds: float | None
    last_error: str = ""
    last_error_at: datetime | None = None


class CheckStandings:
    """The standing of each check after the last time that all of them were run."""

    def __init__(
        self,
        checks: Sequence[Check],
        *,
        timeout_seconds: float = CHECK_TIMEOUT_SECONDS,
        wall: Wall = utc_now,
    ) -> None:
        self._checks = checks
        self._timeout_seconds = timeout_seconds
        self._wall = wall
        self._known: dict[str, CheckStanding] = {}

    @property
    def known(self) -> tuple[CheckStanding, ...]:
        """The standings; none before the first run."""
        return tuple(self._known.values())

    @property
    def all_required_ok(self) -> bool:
        """Whether nothing is missing that the instance needs."""
        return all(standing.ok for standing in self._known.values() if standing.required)

    async def run(self) -> None:
        """Run all checks at once, each under the time limit. Whatever one raises is a failure of it."""
        outcomes = await asyncio.gather(*map(self._timed, self._checks), return_exceptions=True)
        now = self._wall()
        for check, outcome in zip(self._checks, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                log.error("the check %s is broken", check.name, exc_info=outcome)
                outcome = type(outcome).__name__, 0.0  # noqa: PLW2901 - it counts as what it is
            self._note(check, *outcome, now)

    async def _timed(self, check: Check) -> tuple[str, float]:
        started = time.perf_counter()
        outcome = await outcome_of(check, self._timeout_seconds)
        return outcome, time.perf_counter() - started

    def _note(self, check: Check, outcome: str, seconds: float, now: datetime) -> None:
        before = self._known.get(check.name)
        is_ok = outcome == OK
        since = before.since if before is not None and before.ok is is_ok else now
        error, error_at = (before.last_error, before.last_error_at) if before else ("", None)
        if not is_ok:
            error, error_at = outcome[:MAX_TEXT], now
        self._known[check.name] = CheckStanding(
            check.name, is_ok, check.required, since, seconds if check.is_call else None, error, error_at
        )
