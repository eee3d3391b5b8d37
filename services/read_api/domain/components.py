"""How the parts of the system are doing, folded from what their instances report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from statistics import median
from typing import Final

from horde_model_reference.instance_facts import CheckFact
from read_api.domain.instance_board import Presence, Seen

READ_API: Final = "read-api"
SERVICES: Final = (READ_API, "write-queue", "stats", "sync-worker")
"""Those that are listed in any case; the gateway is not: it is on no event bus, and reports nothing."""

NEIGHBOURS: Final = ("object_store", "rabbitmq", "redis", "ai_horde", "github", "primary")

CHECKS_OF_SERVICES: Final[Mapping[str, str]] = {
    "catalogue": READ_API,
    "queue": "write-queue",
    "results": "stats",
}
CHECKS_OF_NEIGHBOURS: Final[Mapping[str, str]] = {
    "store": "object_store",
    "events": "rabbitmq",
    "cache": "redis",
    "ai_horde": "ai_horde",
    "image": "github",
    "text": "github",
    "sync_image": "github",
    "sync_text": "github",
    "primary": "primary",
}


class Condition(StrEnum):
    """The states in words."""

    operational = "operational"
    degraded = "degraded"
    down = "down"
    unknown = "unknown"
    """Nothing was heard of it: there need not be any."""


@dataclass(frozen=True, slots=True)
class Component:
    """A service, or a server that services lean on.

    `ready` of `total` instances of a service serve; for a server these are the instances that reach it.
    `last_failure` is the check that failed last, whether it goes well again or not.
    """

    condition: Condition = Condition.unknown
    since: datetime | None = None
    ready: int = 0
    total: int = 0
    latency_seconds: float | None = None
    last_failure: CheckFact | None = None

    @property
    def is_in_order(self) -> bool:
        """Whether nothing bad is known."""
        return self.condition in {Condition.operational, Condition.unknown}


def components(seen: Sequence[Seen], parts_ever: Iterable[str] = ()) -> dict[str, Component]:
    """Return all components by their names, services first; `parts_ever` are those that there once were."""
    names = dict.fromkeys((*SERVICES, *sorted(set(parts_ever))))
    services = {name: _service(name, seen, was_there=name in set(parts_ever)) for name in names}
    return {**services, **{name: _neighbour(name, seen) for name in NEIGHBOURS}}


def is_ready(one: Seen, part: str) -> bool:
    """Return whether an instance does the work of a service now."""
    if one.presence is not Presence.live:
        return False
    checks = _checks_of_part(one, part)
    return all(check.ok for check in checks) and (bool(checks) or one.report.state == "running")


def _checks_of_part(one: Seen, part: str) -> list[CheckFact]:
    """Return the checks that decide: the one of this service, or whatever its instance needs of its own."""
    own = [check for check in one.report.checks if CHECKS_OF_SERVICES.get(check.name) == part]
    if own:
        return own
    others = CHECKS_OF_SERVICES.keys() | CHECKS_OF_NEIGHBOURS.keys()
    return [check for check in one.report.checks if check.required and check.name not in others]


def _service(name: str, seen: Sequence[Seen], *, was_there: bool) -> Component:
    staying = [one for one in seen if name in one.parts and one.presence is not Presence.stopping]
    live = [one for one in staying if one.presence is Presence.live]
    lost = _lost([one for one in staying if one.presence is Presence.silent], live)
    ready = [one for one in live if is_ready(one, name)]
    bad = [*lost, *(one for one in live if one not in ready)]
    if not staying and not was_there:
        return Component()
    condition = Condition.down if not ready else Condition.degraded if bad else Condition.operational
    errors = [check for one in staying for check in _checks_of_part(one, name)]
    return Component(
        condition,
        min((_since(one, name) for one in bad or ready), default=None),
        len(ready),
        len(live) + len(lost),
        last_failure=_last(errors),
    )


def _lost(silent: list[Seen], live: list[Seen]) -> list[Seen]:
    """Return the silent instances in whose place no other one was started since."""
    if not silent:
        return []
    silent = sorted(silent, key=lambda one: one.report.occurred_at)
    started_since = [one for one in live if one.report.started_at >= silent[0].report.occurred_at]
    return silent[len(started_since) :]


def _since(one: Seen, part: str) -> datetime:
    """Return since when an instance is as it is: lost, not ready, or ready."""
    if one.presence is not Presence.live:
        return one.report.occurred_at
    ready = is_ready(one, part)
    times = [check.since for check in _checks_of_part(one, part) if check.ok is ready]
    if not times:
        return one.report.started_at
    return max(times) if ready else min(times)


def _neighbour(name: str, seen: Sequence[Seen]) -> Component:
    live = [one for one in seen if one.presence is Presence.live]
    checks = [
        check for one in live for check in one.report.checks if CHECKS_OF_NEIGHBOURS.get(check.name) == name
    ]
    if not checks:
        return Component()
    bad = [check for check in checks if not check.ok]
    condition = Condition.operational if not bad else Condition.degraded
    return Component(
        Condition.down if len(bad) == len(checks) else condition,
        min(check.since for check in bad) if bad else max(check.since for check in checks),
        len(checks) - len(bad),
        len(checks),
        _latency(name, live, checks),
        _last(checks),
    )


def _latency(name: str, live: Sequence[Seen], checks: Sequence[CheckFact]) -> float | None:
    measured = [check.seconds for check in checks if check.ok and check.seconds is not None]
    measured += [
        seconds for one in live for neighbour, seconds in one.report.latencies.items() if neighbour == name
    ]
    return round(median(measured), 4) if measured else None


def _last(checks: Sequence[CheckFact]) -> CheckFact | None:
    """Return the check that failed last, if any ever did."""
    failed = [(check.last_error_at, check) for check in checks if check.last_error_at is not None]
    return max(failed, key=itemgetter(0))[1] if failed else None
