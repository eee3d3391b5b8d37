"""What proposers and approvers do with changes before they are applied (http-write-api.md sections 6-8)."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.proposals.replacement import with_carried_over
from registry.bodies import Commented, Decided, Edited, Hidden, Unapproved, Withdrawn
from registry.change_record import ChangeRecord
from registry.state import State
from service_kit.errors import RequestRefused, RoleMissing
from write_queue.domain.commands import Command, Head, Settled, Step, require_other_person
from write_queue.domain.effects import Intent
from write_queue.domain.proposing import require_makeable, require_revision
from write_queue.domain.selection import ChangeFilter, chosen_changes
from write_queue.views.change_view import change_value

MAX_COMMENTS: Final = 100
"""Every view of a change shows all of its comments."""

NOTHING_SEEN: Final[Mapping[int, int]] = MappingProxyType({})


def edit(
    change_id: int, payload: Record, *, base_revision: int | None = None, reason: str | None = None
) -> Command:
    """Replace the payload of one's own pending change."""

    async def command(head: Head) -> Step:
        change = _own_pending(head, change_id)
        if change.operation == "delete":
            raise head.conflict(f"change {change_id} removes a model: there is nothing to edit", change)
        if payload.get("name") != change.model_name:
            raise RequestRefused(f"change {change_id} is about '{change.model_name}', not another name")
        edited = payload if change.form == "legacy" else with_carried_over(change.payload, payload)
        base = change.base_revision if base_revision is None else base_revision
        require_revision(head, base)
        intent = Intent(
            category=change.category,
            model_name=change.model_name,
            operation=change.operation,
            form=change.form,
            payload=edited,
            base_revision=base,
            author=change.requested.by,
        )
        await require_makeable(head, head.revision(), [intent])
        body = Edited(change_id=change_id, payload=edited, base_revision=base, reason=reason)
        return Step("edited", body, _record_of(change_id))

    return command


def withdraw(change_id: int, reason: str | None = None) -> Command:
    """Take one's own pending change back."""

    async def command(head: Head) -> Step:
        _own_pending(head, change_id)
        return Step("withdrawn", Withdrawn(change_id=change_id, reason=reason), _record_of(change_id))

    return command


def comment(change_id: int, text: str) -> Command:
    """Comment on a change."""

    async def command(head: Head) -> Step:
        change = head.change(change_id)
        if len(change.comments) >= MAX_COMMENTS:
            raise head.conflict(f"change {change_id} has {MAX_COMMENTS} comments, which are enough", change)
        return Step("commented", Commented(change_id=change_id, text=text), _record_of(change_id))

    return command


def decide(
    batch_title: str,
    approved_ids: Sequence[int],
    rejected_ids: Sequence[int],
    reject_reason: str | None,
    seen_versions: Mapping[int, int] = NOTHING_SEEN,
) -> Command:
    """Approve and reject pending changes: all of them or none (section 8).

    `seen_versions` are the payload versions that the approver looked at, by change id: a change that was
    edited since is not decided.
    """

    async def command(head: Head) -> Step:
        for change_id in (*approved_ids, *rejected_ids):
            change = _require_pending(head, change_id)
            if seen_versions.get(change_id, change.payload_version) != change.payload_version:
                raise head.conflict(f"change {change_id} was edited since you looked at it", change)
        if head.rules.require_two_persons:
            for change_id in approved_ids:
                require_other_person(head.change(change_id), head.user.user_id)
        body = Decided(
            batch_title=batch_title,
            approved_ids=tuple(approved_ids),
            rejected_ids=tuple(rejected_ids),
            reject_reason=reject_reason if rejected_ids else None,
        )

        def answer(after: State) -> dict[str, Any]:
            changes = after.queue.changes
            return {
                "batch_id": after.queue.open_batch_id if approved_ids else None,
                "batch_title": batch_title,
                "approved": [change_value(after.queue, changes[one]) for one in approved_ids],
                "rejected": [change_value(after.queue, changes[one]) for one in rejected_ids],
            }

        return Step("decided", body, answer)

    return command


def unapprove(change_id: int, reason: str | None = None) -> Command:
    """Make an approved change pending again."""

    async def command(head: Head) -> Step:
        change = head.change(change_id)
        if change.status != "approved":
            raise head.conflict(f"change {change_id} is not approved: it is {change.status}", change)
        return Step("unapproved", Unapproved(change_id=change_id, reason=reason), _record_of(change_id))

    return command


def purge(chosen: ChangeFilter, *, dry_run: bool) -> Command:
    """Hide changes; nothing is destroyed (section 7)."""

    async def command(head: Head) -> Step | Settled:
        ids = [change.change_id for change in chosen_changes(head.state.queue, chosen)]
        answer = {"removed_count": len(ids), "removed_change_ids": ids, "dry_run": dry_run}
        if dry_run or not ids:
            return Settled(answer)
        return Step("hidden", Hidden(change_ids=tuple(ids)), lambda _: answer)

    return command


def _own_pending(head: Head, change_id: int) -> ChangeRecord:
    change = head.change(change_id)
    if change.requested.by != head.user.user_id:
        raise RoleMissing(f"change {change_id} was proposed by somebody else")
    if change.status != "pending":
        raise head.conflict(f"change {change_id} is not pending: it is {change.status}", change)
    return change


def _require_pending(head: Head, change_id: int) -> ChangeRecord:
    change = head.state.queue.find(change_id)
    if change is None:
        raise RequestRefused(f"change {change_id} does not exist")
    if change.status != "pending":
        raise head.conflict(f"change {change_id} is not pending: it is {change.status}", change)
    return change


def _record_of(change_id: int) -> Callable[[State], dict[str, Any]]:
    return lambda after: change_value(after.queue, after.queue.changes[change_id])
