"""The picture of the system as JSON: what anybody may see, and what only approvers may."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from horde_model_reference.instance_facts import CheckFact, FiguresFact, RepositoryFact
from read_api.domain.components import Component, Condition
from read_api.domain.instance_board import Seen
from read_api.domain.system_picture import SystemPicture

PUBLIC_GITHUB: Final = "https://github.com/"
"""A pull request is linked to for anybody if it is there; another server may be nobody's business."""


def public_view(picture: SystemPicture) -> dict[str, Any]:
    """Return the public part: words, numbers and times, but no texts of errors, addresses or hosts."""
    queue, work, roles = picture.queue, picture.work, picture.roles
    return {
        "overall": picture.overall.value,
        "reasons": [
            {"code": one.code, "component": one.component, "text": one.text} for one in picture.reasons
        ],
        "head_revision": picture.head_revision,
        "components": {name: _component(one) for name, one in picture.components.items()},
        "instances": [_instance(picture, one) for one in picture.seen],
        "queue": None if queue is None else {"pending": queue.pending, "approved": queue.approved},
        "events": None if work is None else {"waiting": work.waiting, "dead_letters": work.dead_letters},
        "statistics": [_figures(fact) for fact in picture.figures],
        "github": [_repository(fact) for fact in picture.repositories],
        "never_seeded": None if picture.unseeded is None else list(picture.unseeded),
        "roles_configured": None
        if roles is None
        else {"requestor": roles.requestor, "approver": roles.approver},
    }


def operator_view(picture: SystemPicture) -> dict[str, Any]:
    """Return what approvers see besides: hosts, every check of every instance, and what went wrong."""
    return {
        "components": {
            name: {"last_error": one.last_failure.last_error if one.last_failure else None}
            for name, one in picture.components.items()
            if one.condition is not Condition.unknown
        },
        "instances": [_details(one) for one in picture.seen],
        "github": [
            {
                "repository": fact.repository,
                "result": fact.result,
                "differences": dict(fact.drift),
                "failures": dict(fact.failures),
                "failed_runs": fact.failed_runs,
                "pull_request": _pull_request(fact, everywhere=True),
            }
            for fact in picture.repositories
        ],
    }


def _component(one: Component) -> dict[str, Any]:
    return {
        "state": one.condition.value,
        "since": _time(one.since),
        "ready": one.ready,
        "total": one.total,
        "latency_seconds": one.latency_seconds,
        "last_error_at": _time(one.last_failure.last_error_at) if one.last_failure else None,
    }


def _instance(picture: SystemPicture, one: Seen) -> dict[str, Any]:
    report = one.report
    return {
        "id": report.instance_id,
        "service": report.service.replace("_", "-"),
        "parts": list(one.parts),
        "version": report.version,
        "presence": one.presence.value,
        "state": report.state,
        "started_at": _time(report.started_at),
        "last_report_at": _time(report.occurred_at),
        "revision": report.revision,
        "lag": picture.lag(one),
    }


def _details(one: Seen) -> dict[str, Any]:
    report = one.report
    return {
        "id": report.instance_id,
        "host": report.host or None,
        "sequence": report.sequence,
        "reports": report.number,
        "checks": _checks(report.checks),
        "latencies": dict(report.latencies),
    }


def _checks(checks: Iterable[CheckFact]) -> Mapping[str, Any]:
    return {
        check.name: {
            "ok": check.ok,
            "required": check.required,
            "since": _time(check.since),
            "seconds": None if check.seconds is None else round(check.seconds, 4),
            "last_error": check.last_error or None,
            "last_error_at": _time(check.last_error_at),
        }
        for check in checks
    }


def _figures(fact: FiguresFact) -> dict[str, Any]:
    return {"kind": fact.kind, "received_at": _time(fact.received_at), "stale": fact.stale}


def _repository(fact: RepositoryFact) -> dict[str, Any]:
    return {
        "repository": fact.repository,
        "state": _parity(fact),
        "differences": sum(fact.drift.values()),
        "revision": fact.revision,
        "compared_at": _time(fact.compared_at),
        "pull_request": _pull_request(fact),
    }


def _parity(fact: RepositoryFact) -> str:
    if fact.failures:
        return "failing"
    if fact.compared_at is None:
        return "unknown"
    return "differs" if sum(fact.drift.values()) else "in_step"


def _pull_request(fact: RepositoryFact, *, everywhere: bool = False) -> dict[str, Any] | None:
    if fact.pull_number is None:
        return None
    is_shown = everywhere or fact.pull_url.startswith(PUBLIC_GITHUB)
    return {"number": fact.pull_number, "url": (fact.pull_url or None) if is_shown else None}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
