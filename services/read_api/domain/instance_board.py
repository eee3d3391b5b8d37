"""The last report of every instance, and which of them went silent."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from horde_model_reference.events import InstanceReported

SILENT_SECONDS: Final = 35.0
"""Three reports are missing, with some room for a slow machine."""

FORGOTTEN_SECONDS: Final = 600.0
MAX_INSTANCES: Final = 500
MAX_REVISIONS: Final = 1000


class Presence(StrEnum):
    """Whether an instance can be counted on."""

    live = "live"
    silent = "silent"
    stopping = "stopping"


@dataclass(frozen=True, slots=True)
class Seen:
    """An instance as it was last heard of; `heard_at` is by the clock of the board."""

    report: InstanceReported
    presence: Presence
    heard_at: float

    @property
    def parts(self) -> tuple[str, ...]:
        """The services whose work it does, as they are called in public."""
        return tuple(part.replace("_", "-") for part in self.report.parts or (self.report.service,))


@dataclass(slots=True)
class _Heard:
    report: InstanceReported
    at: float


class InstanceBoard:
    """Takes reports in any order; an instance that went silent is forgotten after ten minutes.

    That there was ever an instance of a service is not forgotten. `clock` is monotonic, in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard: dict[str, _Heard] = {}
        self._parts_ever: set[str] = set()
        self._revisions: dict[int, float] = {}

    def take(self, report: InstanceReported) -> None:
        """Take a report, unless a later one of the same instance is here."""
        known = self._heard.get(report.instance_id)
        if known is not None and known.report.number >= report.number:
            return
        if known is None and len(self._heard) >= MAX_INSTANCES:
            del self._heard[min(self._heard, key=lambda one: self._heard[one].at)]
        seen = Seen(report, Presence.live, self._clock())
        self._heard[report.instance_id] = _Heard(report, seen.heard_at)
        if len(self._parts_ever) < MAX_INSTANCES:
            self._parts_ever.update(seen.parts)
        if report.revision is not None and report.revision not in self._revisions:
            self._revisions[report.revision] = seen.heard_at
            if len(self._revisions) > MAX_REVISIONS:
                del self._revisions[next(iter(self._revisions))]

    def first_heard_at(self, revision: int) -> float:
        """Return when an instance first had that revision, by the clock of the board."""
        return self._revisions.get(revision, float("-inf"))

    @property
    def parts_ever(self) -> frozenset[str]:
        """The services of which there was ever an instance."""
        return frozenset(self._parts_ever)

    def seen(self) -> tuple[Seen, ...]:
        """Return the instances, by service and the time of their start."""
        now = self._clock()
        for instance_id, heard in list(self._heard.items()):
            if now - heard.at > _kept_seconds(heard.report):
                del self._heard[instance_id]
        found = (Seen(one.report, _presence(one, now), one.at) for one in self._heard.values())
        return tuple(
            sorted(found, key=lambda one: (one.report.service, one.report.started_at, one.report.instance_id))
        )


def _kept_seconds(report: InstanceReported) -> float:
    return SILENT_SECONDS if report.state == "stopping" else FORGOTTEN_SECONDS


def _presence(heard: _Heard, now: float) -> Presence:
    if heard.report.state == "stopping":
        return Presence.stopping
    return Presence.silent if now - heard.at > SILENT_SECONDS else Presence.live
