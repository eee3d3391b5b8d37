"""What an instance of the write-queue says of itself."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from registry.instance_events import Audience, reporting
from registry.state_facts import position_of, queue_facts
from service_kit.access_settings import PendingQueueSettings
from service_kit.errors import NotReady
from service_kit.health import Check
from service_kit.instance_reports import Identity, Subject
from service_kit.neighbour_checks import neighbour_checks
from service_kit.roles import APPROVER, REQUESTOR, RoleTable
from write_queue.opening import Neighbours
from write_queue.settings import WriteQueueSettings
from write_queue.write_side import WriteSide


def journal_check(side: WriteSide) -> Check:
    """Return the check that the journal was read."""

    async def opened() -> None:
        if not side.is_open:
            raise NotReady(f"the queue is not open yet: {side.failure or 'starting'}")

    return Check("queue", opened)


def role_facts(settings: PendingQueueSettings) -> Mapping[str, object]:
    """Return whether there is anybody who may propose, and who may decide."""
    roles = RoleTable.from_settings(settings)
    return {"roles": {role: roles.has_any(role) for role in (REQUESTOR, APPROVER)}}


def reported(
    identity: Identity,
    side: WriteSide,
    settings: WriteQueueSettings,
    neighbours: Neighbours,
    *more_checks: Check,
) -> AbstractAsyncContextManager[None]:
    """Report on the instance until the end of the context."""
    checks = [
        journal_check(side),
        *more_checks,
        *neighbour_checks(
            store=neighbours.store, bus=neighbours.bus, amqp=settings.amqp, redis=neighbours.limiter
        ),
    ]
    roles = role_facts(settings.pending_queue)
    subject = Subject(
        lambda: position_of(side.known_state), lambda: {**queue_facts(side.known_state), **roles}
    )
    return reporting(identity, checks, subject, Audience(neighbours.bus))
