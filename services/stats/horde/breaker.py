"""When the AI-Horde is left alone after failures (aihorde-api.md section 3)."""

from enum import Enum
from typing import Final

from service_kit.ai_horde_state import HordeState
from stats.horde.timing import Timing

FAILURES_TO_OPEN: Final = 5


class Admission(Enum):
    """What may be asked now."""

    EVERYTHING = "everything"
    ONE_CALL = "one call"
    NOTHING = "nothing"


class Breaker:
    """Opens after several failed calls in a row; after a rest a single call decides.

    While nothing was ever received any failure opens it, but the rest is short: there is nothing to serve.
    Only the monotonic clock counts.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._is_cold = True
        self._is_probing = False
        self._failures = 0
        self._rest_until = 0.0
        self._demanded_until = 0.0

    @property
    def is_cold(self) -> bool:
        """Whether nothing was ever received."""
        return self._is_cold

    @property
    def is_open(self) -> bool:
        """Whether only single calls are let through, after a rest each."""
        return self._failures >= (1 if self._is_cold else FAILURES_TO_OPEN)

    @property
    def rest_seconds(self) -> float:
        """For how long nothing is to be asked; 0 when something may be."""
        return max(self._rest_until - self._timing.monotonic(), 0.0)

    @property
    def demanded_seconds(self) -> float:
        """For how long the AI-Horde itself asked to be left alone."""
        return max(self._demanded_until - self._timing.monotonic(), 0.0)

    def admit(self, *, urgent: bool = False) -> Admission:
        """Return what may be asked; after `ONE_CALL` nothing else until its outcome is noted.

        Something `urgent` does not wait for the end of a rest, unless the AI-Horde demanded it.
        """
        if self._is_probing or (self.demanded_seconds if urgent else self.rest_seconds) > 0:
            return Admission.NOTHING
        if not urgent and not self.is_open:
            return Admission.EVERYTHING
        self._is_probing = True
        return Admission.ONE_CALL

    def note_success(self) -> None:
        """Take note that a call succeeded, here or on another instance."""
        self._is_cold = self._is_probing = False
        self._failures = 0
        self._rest_until = self._demanded_until = 0.0

    def note_failure(self) -> None:
        """Take note of a failed call."""
        self._is_probing = False
        self._failures += 1
        if self.is_open:
            rest = self._timing.cold_rest_seconds if self._is_cold else self._timing.open_seconds
            self._rest_until = self._timing.monotonic() + rest

    def note_demand(self, seconds: float) -> None:
        """Take note that the AI-Horde asked to be left alone, whatever else it answered."""
        if seconds > 0:
            self._demanded_until = self._timing.monotonic() + seconds
            self._rest_until = max(self._rest_until, self._demanded_until)

    def note_interruption(self) -> None:
        """Take note that the single call is over, whether its outcome will be noted or not."""
        self._is_probing = False

    def note_possession(self) -> None:
        """Take note that there is something to serve, whoever received it."""
        self._is_cold = False

    def inherit(self, failures: int) -> None:
        """Go on from another instance's failures: where its breaker is open, a single call is next."""
        self._failures = max(self._failures, failures)

    def state(self) -> HordeState:
        """Return the state for people and other services."""
        rest = self.rest_seconds
        return HordeState(self.is_open, self._failures, self._timing.wall() + rest if rest > 0 else None)
