"""What an instance says of itself, again and again, without being asked."""

import asyncio
import random
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from service_kit.check_standings import CheckStanding, CheckStandings, Wall, utc_now
from service_kit.product_version import PRODUCT_VERSION

State = Literal["starting", "running", "stopping"]


@dataclass(frozen=True, slots=True)
class Position:
    """How far in the journal an instance is; None where it has none, or none yet."""

    sequence: int | None = None
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who reports. `parts` are the services whose work it does. The id is random: no name of a machine."""

    service: str
    parts: tuple[str, ...] = ()
    version: str = PRODUCT_VERSION
    instance_id: str = field(default_factory=lambda: secrets.token_hex(6))
    host: str = field(default_factory=socket.gethostname)
    started_at: datetime = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True)
class InstanceReport:
    """One report. `facts` is what the service adds, by the names of the event's members."""

    identity: Identity
    number: int
    state: State
    at: datetime
    position: Position
    checks: tuple[CheckStanding, ...]
    facts: Mapping[str, object]


Tell = Callable[[InstanceReport], bool]
"""Passes a report on; False when that is not possible now, and is worth another try soon."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is reported on. Both are called on the loop, must not raise, and have to be quick."""

    position: Callable[[], Position] = Position
    facts: Callable[[], Mapping[str, object]] = dict


@dataclass(frozen=True, slots=True)
class ReportTiming:
    """When reports are due: at the interval, and soon after another position. Clocks are for tests."""

    interval_seconds: float = 10.0
    look_seconds: float = 1.0
    jitter: float = 0.1
    monotonic: Callable[[], float] = time.monotonic
    wall: Wall = utc_now

    def pause_seconds(self) -> float:
        """Return the time until the next checks: instances that started together do not march in step."""
        return self.interval_seconds * random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311 - spreads load


class InstanceReporter:
    """Runs the checks at an interval, and tells how they went: at the start, at each interval, at the end.

    A new position is told within a second, and a report that could not be passed on is told again. Until the
    instance was ready once it looks every second.
    """

    def __init__(
        self,
        identity: Identity,
        standings: CheckStandings,
        subject: Subject,
        tell: Tell,
        timing: ReportTiming | None = None,
    ) -> None:
        self._identity = identity
        self._standings = standings
        self._subject = subject
        self._tell = tell
        self._timing = timing or ReportTiming()
        self._number = 0
        self._told: Position | None = None
        self._has_run = False
        self._checks_due = self._timing.monotonic()

    async def run(self) -> None:
        """Report until cancelled."""
        self.report()
        while True:
            await self.step()
            await asyncio.sleep(self._timing.look_seconds)

    async def step(self) -> None:
        """Run the checks if they are due, and report if there is anything new."""
        is_due = self._timing.monotonic() >= self._checks_due
        if is_due:
            await self._standings.run()
            self._has_run = self._has_run or self._standings.all_required_ok
            pause_seconds = self._timing.pause_seconds() if self._has_run else 0.0
            self._checks_due = self._timing.monotonic() + pause_seconds
        if is_due or self._told != self._subject.position():
            self.report()

    def report(self, *, stopping: bool = False) -> None:
        """Tell how things are."""
        position = self._subject.position()
        self._number += 1
        report = InstanceReport(
            self._identity,
            self._number,
            "stopping" if stopping else "running" if self._has_run else "starting",
            self._timing.wall(),
            position,
            self._standings.known,
            self._subject.facts(),
        )
        self._told = position if self._tell(report) else None
