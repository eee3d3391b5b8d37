"""How patiently GitHub is asked, and by which clocks."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from service_kit.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class GithubTiming:
    """`monotonic` decides how long to wait; `wall` (Unix seconds) is for tokens and for what is shown."""

    request_seconds: float = 30.0
    """Longest wait for one answer."""
    connect_seconds: float = 5.0
    """Longest wait for a connection."""
    attempts: int = 3
    """How often a call is tried that GitHub does not answer."""
    first_pause_seconds: float = 1.0
    """Longest pause before the second try."""
    max_pause_seconds: float = 10.0
    """Longest pause before a later one."""
    limit_seconds: float = 900.0
    """GitHub is waited for so long when it wants to be left alone; for longer, the run is given up."""
    waits: int = 3
    """How often one call may find that GitHub wants to be left alone."""
    write_interval_seconds: float = 1.0
    """Least time between two writes after GitHub complained about too many."""
    slow_seconds: float = 3600.0
    """How long writes stay slow after that."""
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def policy(self) -> RetryPolicy:
        """The tries and pauses of a call that GitHub does not answer."""
        return RetryPolicy(self.attempts, self.first_pause_seconds, self.max_pause_seconds)
