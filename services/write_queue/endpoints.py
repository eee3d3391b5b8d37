"""All endpoints of the write side, in the order in which the router has to know them."""

from collections.abc import Iterator

from horde_model_reference.meta_consts import CanonicalFormat, ReplicateMode
from service_kit.endpoints import Endpoint
from write_queue.routes.audit import Audit
from write_queue.routes.changes import Changes
from write_queue.routes.decisions import Decisions
from write_queue.routes.group_data import GroupData
from write_queue.routes.legacy_records import LegacyRecordProposals, legacy_is_read_only
from write_queue.routes.own_changes import OwnChanges
from write_queue.routes.records import RecordProposals
from write_queue.routes.signing import SigningKey
from write_queue.routes.users import Users
from write_queue.write_side import WriteSide


def write_endpoints(side: WriteSide) -> tuple[Endpoint, ...]:
    """Return the endpoints. Those that take legacy records exist only where such records can be proposed."""
    return tuple(_endpoints(side))


def _endpoints(side: WriteSide) -> Iterator[Endpoint]:
    modes = side.modes
    yield from Users(side).endpoints()
    yield from Changes(side).endpoints()
    yield from OwnChanges(side).endpoints()
    yield from Decisions(side).endpoints()
    yield from Audit(side).endpoints()
    yield from RecordProposals(side).endpoints()
    if modes.canonical_format is CanonicalFormat.legacy and modes.replicate_mode is ReplicateMode.PRIMARY:
        yield from LegacyRecordProposals(side).endpoints()
    else:
        yield from legacy_is_read_only()
    yield from GroupData(side).endpoints()
    yield from SigningKey(side).endpoints()
