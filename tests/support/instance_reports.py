"""Builders for what instances report of themselves."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from horde_model_reference.events import InstanceReported

START = datetime(2026, 3, 4, 5, 0, tzinfo=UTC)


def minutes(count: float) -> datetime:
    """Return the moment so many minutes after the start of the tests' time."""
    return START + timedelta(minutes=count)


def a_check(name: str, *, ok: bool = True, **more: Any) -> Mapping[str, Any]:
    failed = {} if ok else {"last_error": "it is broken", "last_error_at": minutes(5)}
    return {"name": name, "ok": ok, "since": minutes(0), **failed, **more}


def a_report(service: str = "read-api", instance_id: str = "", **more: Any) -> InstanceReported:
    """Return a report of a running instance that has revision 3."""
    own = {"read-api": "catalogue", "write-queue": "queue", "stats": "results"}
    values = {
        "occurred_at": minutes(10),
        "service": service,
        "instance_id": instance_id or f"{service}-1",
        "number": 1,
        "started_at": minutes(0),
        "state": "running",
        "sequence": 7,
        "revision": 3,
        "checks": [a_check(own[service])] if service in own else [],
    }
    return InstanceReported.model_validate({**values, **more})
