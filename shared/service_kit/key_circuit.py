"""When the AI-Horde is left alone after failures."""

from typing import Final

FAILURES_TO_BLOCK: Final = 5  # in a row: one strange key must not lock everybody else out


class KeyCircuit:
    """Two rests: for the users of verified keys, who can be served from memory, and for everybody.

    The first begins with any failure, since it costs nobody anything. The second refuses keys that are not
    known, so it takes several failures in a row, or the AI-Horde's own demand. After a rest a single call
    tries again before the others do.
    """

    def __init__(self, pause_seconds: float) -> None:
        self._pause_seconds = pause_seconds
        self._failures = 0
        self._known_rest_until = 0.0
        self._blocked_until = 0.0

    @property
    def failing(self) -> bool:
        """Whether the last call failed."""
        return self._failures > 0

    def rests_for_known(self, now: float) -> bool:
        """Whether the users of verified keys are to be served from memory."""
        return now < self._known_rest_until

    def blocked_seconds(self, now: float) -> float:
        """Return for how long nothing may be asked; 0 if a call may be made."""
        return max(self._blocked_until - now, 0.0)

    def note_call(self, now: float) -> None:
        """Take note that a call begins; if the last ones failed, it is the only one for a while."""
        if self._failures:
            self._known_rest_until = now + self._pause_seconds
        if self._failures >= FAILURES_TO_BLOCK:
            self._blocked_until = now + self._pause_seconds

    def note_slow(self, now: float) -> None:
        """Take note that an answer takes longer than a known user is made to wait."""
        self._known_rest_until = now + self._pause_seconds

    def note_answer(self) -> None:
        """Take note that the AI-Horde said who it is, or that it is nobody."""
        self._failures = 0
        self._known_rest_until = self._blocked_until = 0.0

    def note_failure(self, now: float, *, at_least_seconds: float = 0.0) -> None:
        """Take note of a failure; `at_least_seconds` is how long the AI-Horde asked to be left alone."""
        self._failures += 1
        self._known_rest_until = now + max(self._pause_seconds, at_least_seconds)
        if self._failures >= FAILURES_TO_BLOCK:
            self._blocked_until = now + self._pause_seconds
        if at_least_seconds:
            self._blocked_until = now + at_least_seconds
