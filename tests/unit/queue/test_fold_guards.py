"""What does not fit the state is not folded, and so not written: the last guard behind the commands."""

from typing import Any

import pytest

from registry.bodies import (
    Applied,
    AppliedChange,
    Decided,
    Edited,
    GroupDataChanged,
    Proposed,
    ProposedChange,
)
from registry.catalogue import CatalogueRef
from registry.draft import Draft
from registry.entries import EntryBody
from registry.errors import EntryCorrupt
from registry.history_state import Touched
from registry.state import State
from support.queues import Queue, a_queue


def a_proposal(**fields: Any) -> Proposed:
    given = {
        "category": "clip",
        "model_name": "m",
        "operation": "create",
        "form": "v2",
        "payload": {"name": "m"},
        "base_revision": 1,
        **fields,
    }
    return Proposed(changes=(ProposedChange.model_validate(given),))


def an_application(change_id: int, **fields: Any) -> Applied:
    touched = {"category": "clip", "model_name": "m", "operation": "create", **fields}
    one = AppliedChange(change_id=change_id, job_id="j", touched=Touched.model_validate(touched))
    return Applied(changes=(one,))


async def append(queue: Queue, kind: str, body: EntryBody, *, with_revision: bool = False) -> State:
    """Append an entry past the commands."""
    state = await queue.state()

    async def decide(current: State) -> Draft:
        ref = None
        if with_revision and current.catalogue is not None:
            revision = current.revision + 1
            ref = CatalogueRef.model_validate({**current.catalogue.model_dump(), "revision": revision})
        return Draft(actor="202", username="approver#202", kind=kind, body=body, catalogue=ref)

    return await queue.service.catalogue.journal.append(state, decide)


async def an_approved_queue() -> Queue:
    queue = await a_queue()
    await queue.approve(await queue.create())
    return queue


async def test_what_fits_is_folded() -> None:
    queue = await an_approved_queue()
    assert (await append(queue, "applied", an_application(1), with_revision=True)).revision == 2


@pytest.mark.parametrize(
    "fields", [{"category": "blip"}, {"model_name": "n"}, {"operation": "delete"}], ids=str
)
async def test_a_change_cannot_come_into_the_catalogue_as_another(fields: dict[str, Any]) -> None:
    queue = await an_approved_queue()
    with pytest.raises(EntryCorrupt, match="does not fit change 1"):
        await append(queue, "applied", an_application(1, **fields), with_revision=True)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("applied", an_application(1)),
        ("group_data_changed", GroupDataChanged(store="aliases", name="a")),
    ],
)
async def test_what_changes_the_catalogue_makes_a_revision(kind: str, body: EntryBody) -> None:
    queue = await an_approved_queue()
    with pytest.raises(EntryCorrupt, match="must always make a revision"):
        await append(queue, kind, body)


@pytest.mark.parametrize(
    ("kind", "body"),
    [("proposed", a_proposal(model_name="n")), ("decided", Decided(batch_title="t"))],
)
async def test_what_happens_in_the_queue_alone_makes_no_revision(kind: str, body: EntryBody) -> None:
    queue = await an_approved_queue()
    with pytest.raises(EntryCorrupt, match="must never make a revision"):
        await append(queue, kind, body, with_revision=True)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("proposed", a_proposal(base_revision=2)),
        ("proposed", a_proposal(base_revision=-1)),
        ("edited", Edited(change_id=1, payload={"name": "m"}, base_revision=2)),
    ],
)
async def test_a_change_is_based_on_a_revision_that_exists(kind: str, body: EntryBody) -> None:
    queue = await a_queue()
    await queue.create()
    with pytest.raises(EntryCorrupt, match="is based on revision"):
        await append(queue, kind, body)


async def test_a_change_is_decided_once_within_an_entry() -> None:
    queue = await a_queue()
    await queue.create()
    with pytest.raises(EntryCorrupt, match="does not fit change 1"):
        await append(queue, "decided", Decided(batch_title="t", approved_ids=(1, 1)))
