"""Applying approved changes (http-write-api.md section 9): all in one revision, or none."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from registry.bodies import Applied, AppliedChange
from registry.change_record import ChangeRecord
from registry.state import State
from service_kit.errors import NotFound, RequestRefused, ServiceError
from write_queue.domain.apply_answers import Shape, kept_answer, told
from write_queue.domain.commands import Command, Head, Settled, Step, require_other_person
from write_queue.domain.effects import EffectInvalid, EffectRefused, Intent, changed_documents
from write_queue.domain.revision import next_revision


class ApplyFailed(ServiceError):
    """One of the changes cannot be applied, so none was. `members` tell which and why."""

    status: ClassVar[int] = 409

    def __init__(self, change_id: int, text: str, kind: str, fields: tuple[str, ...]) -> None:
        super().__init__(text)
        self.fields = fields
        self.members: Mapping[str, Any] = {
            "applied": [],
            "failed_change_id": change_id,
            "failed_error": text,
            "failed_error_type": kind,
            "batch_split_occurred": False,
            **({"conflicting_fields": list(fields)} if fields else {}),
        }


def apply_one(change_id: int, job_id: str | None) -> Command:
    """Apply one change."""

    async def command(head: Head) -> Step | Settled:
        change = head.change(change_id)
        if (replay := await _answered_before(head, [change_id], job_id, "record")) is not None:
            return replay
        _require_approved(head, change)
        try:
            return await _step(head, [change], job_id, "record")
        except ApplyFailed as error:
            raise head.conflict(str(error), change, fields=error.fields) from error

    return command


def apply_many(change_ids: Sequence[int], job_id: str | None, *, allow_mixed_batch: bool) -> Command:
    """Apply several changes in the order given."""
    wanted = list(dict.fromkeys(change_ids))

    async def command(head: Head) -> Step | Settled:
        changes = [head.change(change_id) for change_id in wanted]
        if (replay := await _answered_before(head, wanted, job_id, "applied")) is not None:
            return replay
        if not allow_mixed_batch:
            _require_one_batch(head, changes)
        for change in changes:
            _require_approved(head, change)
        return await _step(head, changes, job_id, "applied")

    return command


def apply_batch(batch_id: int, job_id: str | None) -> Command:
    """Apply every approved change of a batch, in the order of their ids."""

    async def command(head: Head) -> Step | Settled:
        queue = head.state.queue
        batch = queue.batches.get(batch_id)
        if batch is None:
            raise NotFound(f"there is no batch {batch_id}")
        changes = [change for one in sorted(batch.change_ids) if (change := queue.find(one)) is not None]
        approved = [change for change in changes if change.status == "approved"]
        if approved:
            for change in approved:
                _require_approved(head, change)
            return await _step(head, approved, job_id, "applied")
        applied = [change.change_id for change in changes if change.status == "applied"]
        if not applied:
            raise NotFound(f"nothing in batch {batch_id} is approved")
        replay = await _answered_before(head, applied, job_id, "applied")
        return replay or Settled({"applied": [], "batch_split_occurred": False})

    return command


async def _answered_before(
    head: Head, change_ids: Sequence[int], job_id: str | None, shape: Shape
) -> Settled | None:
    """Return the answer of before when the same job applied just these changes (section 15, Q19).

    The job may have come by another route, whose answer has another shape. Nothing is kept of a job without a
    name of the caller's: its generated one is refused like any other.
    """
    sequence = _applied_by_job(head, change_ids, job_id)
    if sequence is None:
        return None
    entry, _ = await head.catalogue.journal.read(sequence)
    if entry.answer is None:
        return None
    body = told(entry.answer.body, head.state.queue, shape)
    return Settled(body, entry.answer.status, replayed=True)


def _applied_by_job(head: Head, change_ids: Sequence[int], job_id: str | None) -> int | None:
    """Return the sequence of the entry by which the job applied just these changes."""
    if job_id is None:
        return None
    changes = [head.change(change_id) for change_id in change_ids]
    if any(change.applied_job_id != job_id for change in changes):
        return None
    line = head.state.history.revisions[changes[0].applied_revision or 0]
    return line.sequence if set(line.change_ids) == set(change_ids) else None


def _require_approved(head: Head, change: ChangeRecord) -> None:
    if change.status != "approved":
        text = f"change {change.change_id} is not approved: it is {change.status}"
        raise head.conflict(text, change)
    # also what was approved before two persons were required
    if head.rules.require_two_persons and change.approved is not None:
        require_other_person(change, change.approved.by)


def _require_one_batch(head: Head, changes: Sequence[ChangeRecord]) -> None:
    batches = {head.state.queue.batch_id_of(change) for change in changes}
    if None in batches:
        loose = [c.change_id for c in changes if head.state.queue.batch_id_of(c) is None]
        raise RequestRefused(f"only approved changes can be applied, not {loose}")
    if len(batches) > 1:
        raise RequestRefused(f"the changes belong to more than one batch: {sorted(map(str, batches))}")


async def _step(
    head: Head,
    changes: Sequence[ChangeRecord],
    job_id: str | None,
    shape: Shape,
) -> Step:
    ref = head.revision()
    intents = [_intent(change) for change in changes]
    try:
        documents = await changed_documents(head, ref, intents)
    except EffectInvalid as error:
        raise _failed(changes, error, "PendingChangePayloadError") from error
    except EffectRefused as error:
        raise _failed(changes, error, "PendingChangeStateError") from error
    applied = tuple(
        AppliedChange(
            change_id=change.change_id,
            job_id=job_id or f"apply-{change.change_id}-{uuid.uuid4().hex}",
            touched=intent.touched,
        )
        for change, intent in zip(changes, intents, strict=True)
    )

    def kept(after: State) -> dict[str, Any]:
        return kept_answer([change.change_id for change in changes], shape, head.state.queue, after.queue)

    return Step(
        "applied",
        Applied(changes=applied),
        lambda after: told(kept(after), after.queue),
        catalogue=await next_revision(head, ref, documents, [intent.touched for intent in intents]),
        keep_answer=job_id is not None,
        kept=kept,
    )


def _intent(change: ChangeRecord) -> Intent:
    return Intent(
        category=change.category,
        model_name=change.model_name,
        operation=change.operation,
        form=change.form,
        payload=change.payload,
        base_revision=change.base_revision,
        author=change.requested.by,
    )


def _failed(changes: Sequence[ChangeRecord], error: EffectRefused, kind: str) -> ApplyFailed:
    change = changes[error.index]
    return ApplyFailed(change.change_id, f"change {change.change_id}: {error}", kind, error.fields)
