"""What the whole service in one process says of itself: it does the work of several services."""

from collections.abc import Callable, Mapping
from typing import Final

from read_api.holder import PageHolder
from read_api.role import Role
from read_api.status_desk import StatusDesk
from registry.unseeded import SeedStanding
from service_kit.authentication import Authenticator
from service_kit.errors import NotReady
from service_kit.instance_reports import Identity
from service_kit.telemetry import Telemetry
from standalone.settings import StandaloneSettings
from stats.instance_facts import figure_facts
from stats.opening import StatsSide
from write_queue.instance_facts import role_facts
from write_queue.unseeded import seed_standing
from write_queue.write_side import WriteSide

READS: Final = ("read-api", "stats")
READS_AND_WRITES: Final = ("read-api", "write-queue", "stats")
SYNC: Final = "sync-worker"

Facts = Callable[[], Mapping[str, object]]


def desk_of(
    service: str,
    holder: PageHolder,
    writing: WriteSide,
    stats: StatsSide,
    settings: StandaloneSettings,
    *,
    sync_facts: Facts | None = None,
) -> StatusDesk:
    """Return the desk of a process with these parts; `sync_facts` only where GitHub is kept in step."""
    role = Role(settings.canonical_format, settings.replicate_mode)
    parts = READS_AND_WRITES if role.is_primary else READS
    parts = (*parts, SYNC) if sync_facts is not None else parts
    desk = StatusDesk(holder, role, identity=Identity(service, parts))
    roles = role_facts(settings.pending_queue) if role.is_primary else {}

    def facts() -> Mapping[str, object]:
        synced = sync_facts() if sync_facts is not None else {}
        figures = figure_facts(stats)
        return {**roles, **figures, **synced, "latencies": _latencies(figures, synced)}

    desk.more_facts = facts
    desk.find_access = lambda: _access_to(writing)
    return desk


def shown_standing(desk: StatusDesk, telemetry: Telemetry) -> SeedStanding:
    """Return what is to be known of missing categories; metrics tell it before anything is served, too."""
    standing = seed_standing(telemetry)
    desk.find_unseeded = lambda: standing.missing
    return standing


def _latencies(*facts: Mapping[str, object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for one in facts:
        latencies = one.get("latencies", {})
        found |= latencies if isinstance(latencies, dict) else {}
    return found


def _access_to(writing: WriteSide) -> Authenticator | None:
    try:
        return writing.access
    except NotReady:
        return None
