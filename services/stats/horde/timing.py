"""How long things take, and by which clocks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Timing:
    """`monotonic` decides, so that a wall clock that jumps changes nothing; `wall` (Unix) is only shown."""

    interval_seconds: float = 60.0
    """From the last figures to the next refresh, give or take a tenth."""
    look_seconds: float = 3.0
    """Interval of renewing the lease and of looking into the shared cache."""
    lease_seconds: float = 12.0
    """The refresher's place is free so long after its last sign of life."""
    stale_seconds: float = 180.0
    """Figures are stale when none came for so long, for whatever reason."""
    open_seconds: float = 120.0
    """Rest of the AI-Horde after failures in a row."""
    cold_rest_seconds: float = 5.0
    """Rest after any failure while nothing was ever received."""
    probe_seconds: float = 2.0
    """At most one request in so long a time makes the AI-Horde be asked, over all instances."""
    partial_seconds: float = 3.0
    """While nothing was ever received, what is there after so long is not held back for slower answers."""
    retry_pause_seconds: float = 1.0
    """Longest pause before the second try of a call."""
    isolation_factor: float = 5.0
    """Without contact to the other instances everything is done so many times more rarely."""
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time

    @classmethod
    def of_interval(cls, seconds: float) -> Self:
        """Return the timing of a service that refreshes at that interval."""
        look = min(3.0, seconds / 4)
        return cls(
            interval_seconds=seconds,
            look_seconds=look,
            lease_seconds=4 * look,
            stale_seconds=3 * seconds,
            retry_pause_seconds=min(1.0, seconds / 60),
        )
