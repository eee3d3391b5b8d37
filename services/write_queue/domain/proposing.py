"""Proposing changes (http-write-api.md sections 4 and 5).

Everything that applying would refuse is refused here already.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.proposals.related import related_models
from horde_model_reference.proposals.replacement import with_carried_over
from registry.bodies import Proposed, ProposedChange
from registry.catalogue import CatalogueRef
from registry.change_record import Form, Operation, model_key
from registry.state import State
from service_kit.errors import NotFound, RequestInvalid
from write_queue.domain.commands import Command, Head, Step
from write_queue.domain.effects import EffectInvalid, EffectRefused, Intent, changed_documents
from write_queue.views.change_view import change_value

TEXT_GENERATION: Final = str(MODEL_REFERENCE_CATEGORY.text_generation)


@dataclass(frozen=True, slots=True)
class Origin:
    """How a proposal came: by which route, why, and from which revision (None: the head) it started."""

    route: str
    reason: str | None = None
    base_revision: int | None = None


def create(category: str, payload: Record, form: Form, origin: Origin) -> Command:
    """Propose a new record; its name is in the payload."""

    async def command(head: Head) -> Step:
        name = payload["name"]
        if name in await _live(head, category, form):
            raise head.conflict(f"model '{name}' exists already in {category}")
        for change in head.state.queue.open_changes(model_key(category, name)):
            if change.operation == "create":
                text = f"model '{name}' was proposed for {category} already, as change {change.change_id}"
                raise head.conflict(text, change)
        one = _proposed(head, origin, _Wanted(category, name, "create", form, payload))
        return await _step(head, [one])

    return command


def update(category: str, name: str, payload: Record, form: Form, origin: Origin) -> Command:
    """Propose another record for a live name."""

    async def command(head: Head) -> Step:
        live = await live_record(head, category, name, form)
        kept = payload if form == "legacy" else with_carried_over(live, payload)
        one = _proposed(head, origin, _Wanted(category, name, "update", form, kept))
        return await _step(head, [one])

    return command


def delete(category: str, name: str, form: Form, origin: Origin) -> Command:
    """Propose the removal of a live record."""

    async def command(head: Head) -> Step:
        live = await live_record(head, category, name, form)
        one = _proposed(head, origin, _Wanted(category, name, "delete", form, live))
        return await _step(head, [one])

    return command


def common_fields(group: str, fields: Mapping[str, Any]) -> Command:
    """Propose the same values for every model of a text group (section 5.2)."""
    batch_id = str(uuid.uuid4())

    async def command(head: Head) -> Step:
        records = await head.catalogue.records(head.revision(), TEXT_GENERATION)
        members = {name: one for name, one in records.items() if one.get("text_model_group") == group}
        if not members:
            raise NotFound(f"there is no group '{group}'")
        changes = [
            _group_change(head, name, {**record, **fields}, batch_id) for name, record in members.items()
        ]

        def answer(_: State) -> dict[str, Any]:
            first = head.state.queue.next_change_id
            ids = list(range(first, first + len(changes)))
            return {"updated_count": len(ids), "batch_id": batch_id, "pending_change_ids": ids}

        return await _step(head, changes, answer)

    return command


def name_exception(name: str, reason: str | None) -> Command:
    """Propose why the name of a text model may break the schema of its group; None takes that back."""

    async def command(head: Head) -> Step:
        live = await live_record(head, TEXT_GENERATION, name, "v2")
        payload = {key: value for key, value in live.items() if key != "name_schema_exception"}
        if reason is not None:
            payload["name_schema_exception"] = reason
        wanted = _Wanted(TEXT_GENERATION, name, "update", "v2", payload)
        one = _proposed(head, Origin("set_name_exception"), wanted)
        return await _step(head, [one], lambda _: {"pending_change_id": head.state.queue.next_change_id})

    return command


async def require_makeable(head: Head, ref: CatalogueRef, intents: Sequence[Intent]) -> None:
    """Raise `Conflict` or `RequestInvalid` for the first change that could not be applied now."""
    try:
        await changed_documents(head, ref, intents)
    except EffectInvalid as error:
        problem = {"type": "value_error", "loc": ["body"], "msg": f"Value error, {error}", "input": None}
        raise RequestInvalid([problem]) from error
    except EffectRefused as error:
        raise head.conflict(str(error), fields=error.fields) from error


def require_revision(head: Head, revision: int) -> None:
    """Raise `RequestInvalid` for a revision to start from that does not exist."""
    if revision not in head.state.history.revisions:
        problem = {"type": "value_error", "loc": ["query", "base_revision"], "input": revision}
        raise RequestInvalid([{**problem, "msg": f"Value error, there is no revision {revision}"}])


async def live_record(head: Head, category: str, name: str, form: Form) -> Record:
    """Return a live record. Raises `NotFound`."""
    live = (await _live(head, category, form)).get(name)
    if live is None:
        raise NotFound(f"model '{name}' does not exist in {category}")
    return live


async def _live(head: Head, category: str, form: Form) -> Mapping[str, Record]:
    if form == "legacy":
        return await head.catalogue.legacy_records(head.revision(), category)
    return await head.catalogue.records(head.revision(), category)


@dataclass(frozen=True, slots=True)
class _Wanted:
    category: str
    name: str
    operation: Operation
    form: Form
    payload: Record


def _proposed(head: Head, origin: Origin, wanted: _Wanted) -> ProposedChange:
    base = origin.base_revision
    if base is not None:
        require_revision(head, base)
    return ProposedChange(
        category=wanted.category,
        model_name=wanted.name,
        operation=wanted.operation,
        form=wanted.form,
        payload=wanted.payload,
        base_revision=head.state.revision if base is None else base,
        reason=origin.reason,
        request_metadata={"route": origin.route},
        related_models=related_models(wanted.category, wanted.name),
    )


def _group_change(head: Head, name: str, payload: Record, batch_id: str) -> ProposedChange:
    wanted = _Wanted(TEXT_GENERATION, name, "update", "v2", payload)
    one = _proposed(head, Origin("update_group_common_fields"), wanted)
    return one.model_copy(
        update={
            "notes": "common fields of its group",
            "request_metadata": {"route": "update_group_common_fields", "batch_id": batch_id},
        }
    )


async def _step(
    head: Head, changes: Sequence[ProposedChange], answer: Callable[[State], Any] | None = None
) -> Step:
    intents = [
        Intent(
            category=one.category,
            model_name=one.model_name,
            operation=one.operation,
            form=one.form,
            payload=one.payload,
            base_revision=one.base_revision,
            author=head.user.user_id,
        )
        for one in changes
    ]
    await require_makeable(head, head.revision(), intents)
    first = head.state.queue.next_change_id

    def record(after: State) -> dict[str, Any]:
        return change_value(after.queue, after.queue.changes[first], nulls=False)

    return Step("proposed", Proposed(changes=tuple(changes)), answer or record, status=202)
