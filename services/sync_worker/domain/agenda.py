"""When a repository is to be compared next (sync.md section 12)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PATIENCE: Final = 3
"""After so many failures the revision that was heard of is no longer demanded.

A primary that was restored from a backup may never have had it.
"""


@dataclass(frozen=True, slots=True)
class AgendaTimes:
    """All in seconds."""

    quiet_seconds: float = 60.0
    max_quiet_seconds: float = 600.0
    full_comparison_seconds: float = 21_600.0
    first_retry_seconds: float = 60.0
    max_retry_seconds: float = 1800.0


@dataclass(slots=True)
class _Heard:
    first_at: float
    last_at: float


class Agenda:
    """The next run is due at once, then when it has been quiet after a change, after a failure, at intervals.

    `clock` is monotonic, in seconds.
    """

    def __init__(self, times: AgendaTimes, clock: Callable[[], float]) -> None:
        self._times = times
        self._clock = clock
        self._heard: _Heard | None = None
        self._next_at = clock()
        self._not_before = float("-inf")
        self.failures = 0
        self.owed: int | None = None
        """The newest revision that was heard of and is not carried over yet, where it is known."""

    def hear(self, revision: int | None) -> None:
        """Take note of a change; it may be told more than once."""
        now = self._clock()
        if self._heard is None:
            self._heard = _Heard(now, now)
        self._heard.last_at = now
        self.owe(revision)

    def owe(self, revision: int | None) -> None:
        """Demand this revision of the next run, without making it earlier."""
        if revision is not None:
            self.owed = revision if self.owed is None else max(self.owed, revision)

    def note_activity(self) -> None:
        """Take note that changes go on: a run that is due for an earlier one waits a little longer."""
        if self._heard is not None:
            self._heard.last_at = self._clock()

    @property
    def is_pending(self) -> bool:
        """Whether something was heard or has failed that a run is to come for."""
        return self._heard is not None or self.failures > 0

    @property
    def wait_seconds(self) -> float:
        """How long it is until the next run; 0 or less when it is due."""
        due = self._next_at
        if self._heard is not None:
            quiet = self._heard.last_at + self._times.quiet_seconds
            due = min(due, quiet, self._heard.first_at + self._times.max_quiet_seconds)
        return max(due, self._not_before) - self._clock()

    def begin(self) -> int | None:
        """Begin a run, which takes along all that was heard; return the revision that it has to demand."""
        self._heard = None
        return self.owed if self.failures < PATIENCE else None

    def succeed(self, demanded: int | None) -> None:
        """End a run that succeeded, and had demanded this revision."""
        if self.owed == demanded or self._heard is None:
            self.owed = None
        self.failures = 0
        self._next_at = self._clock() + self._times.full_comparison_seconds

    def fail(self, not_before_seconds: float = 0.0) -> None:
        """End a run that failed. The next one is not due for so long, whatever is heard."""
        times = self._times
        self.failures += 1
        pause = min(times.first_retry_seconds * 2.0 ** min(self.failures - 1, 30), times.max_retry_seconds)
        now = self._clock()
        self._next_at = now + pause
        self._not_before = now + not_before_seconds
