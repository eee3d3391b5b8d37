"""What each step leaves in the state, to the last number (http-write-api.md sections 6 to 9)."""

import pytest

from registry.bodies import Commented, Proposed, ProposedChange
from registry.change_record import ChangeRecord
from registry.draft import Draft
from registry.errors import ChainBroken
from registry.fold import fold
from registry.state import State
from support.journals import a_draft
from support.queues import APPROVER, OTHER, REQUESTOR, Queue, a_queue
from support.signing import SOME_CATALOGUE, made_entry
from write_queue.domain import reviewing
from write_queue.domain.selection import ChangeFilter

HASH = "a" * 64


def a_proposal(base_revision: int) -> Proposed:
    change = ProposedChange(
        category="clip",
        model_name="m",
        operation="create",
        form="v2",
        payload={"name": "m"},
        base_revision=base_revision,
    )
    return Proposed(changes=(change,))


async def batch_of(queue: Queue, change_id: int) -> int | None:
    state = await queue.state()
    return state.queue.batch_id_of(state.queue.changes[change_id])


@pytest.mark.parametrize("sequence", [1, 3])
def test_an_entry_comes_right_after_the_state_even_if_its_hash_would_fit(sequence: int) -> None:
    state = fold(State(), made_entry(a_draft(SOME_CATALOGUE), State()), HASH)
    entry = made_entry(a_draft(), state).model_copy(update={"sequence": sequence})

    with pytest.raises(ChainBroken, match=f"entry {sequence} does not follow 1"):
        fold(state, entry, HASH)


def test_an_entry_without_events_starts_none() -> None:
    assert not fold(State(), made_entry(a_draft(SOME_CATALOGUE), State()), HASH).event_starts


def test_a_change_may_be_based_on_what_was_before_the_first_revision() -> None:
    entry = made_entry(Draft(actor="1", kind="proposed", body=a_proposal(0)), State())

    assert fold(State(), entry, HASH).queue.changes[1].base_revision == 0


async def test_a_revision_that_touches_a_model_twice_is_in_its_history_once() -> None:
    queue = await a_queue()
    await queue.make_live(description="base")
    first = await queue.update(description="better")
    second = await queue.update(user=OTHER, description="base", version="2")
    await queue.approve(first, second)
    await queue.apply(first, second)

    state = await queue.state()
    assert len(state.history.revisions[3].touched) == 2
    assert state.history.by_model["clip/m"] == (2, 3)


async def test_what_waits_to_be_applied_is_in_the_order_of_the_ids() -> None:
    queue = await a_queue()
    ids = [await queue.create(name) for name in "abc"]
    for one in (ids[2], ids[0], ids[1]):
        await queue.approve(one)

    assert (await queue.state()).queue.approved_ids == tuple(ids)


async def test_applying_a_part_is_three_events_and_the_rest_is_known_to_have_moved() -> None:
    queue = await a_queue()
    ids = [await queue.create(name) for name in "abc"]
    await queue.approve(*ids)
    before = (await queue.state()).next_event_id
    await queue.apply(ids[1])

    state = await queue.state()
    assert state.next_event_id == before + 3  # of the model, of the change, of the batch
    assert state.queue.open_batch_id is not None
    assert state.queue.batches[state.queue.open_batch_id].moved_ids == (ids[0], ids[2])


@pytest.mark.parametrize(("given", "kept"), [(None, "first"), ("second", "second")])
async def test_an_edit_without_a_reason_keeps_that_of_before(given: str | None, kept: str) -> None:
    queue = await a_queue()
    change_id = await queue.create()
    for reason in ("first", given):
        payload = {"name": "m", "description": str(reason)}
        await queue.submit(REQUESTOR, reviewing.edit(change_id, payload, reason=reason))

    assert (await queue.change(change_id)).reason == kept


async def test_a_comment_is_no_change_of_the_change() -> None:
    queue = await a_queue()
    change_id = await queue.create()
    before = await queue.change(change_id)
    stamp = before.model_copy(update={"updated_at": before.updated_at - 100})
    state = await queue.state()
    aged = state.queue.model_copy(update={"changes": state.queue.changes.set(change_id, stamp)})
    draft = Draft(actor="1", kind="commented", body=Commented(change_id=change_id, text="hm"))
    entry = made_entry(draft, state)

    after = fold(state.model_copy(update={"queue": aged}), entry, HASH).queue.changes[change_id]
    assert after.updated_at == stamp.updated_at
    assert [one.text for one in after.comments] == ["hm"]


async def test_what_is_not_approved_any_more_says_nothing_of_a_batch() -> None:
    queue = await a_queue()
    change_id = await queue.create()
    await queue.approve(change_id, title="Tidy up")
    await queue.submit(APPROVER, reviewing.unapprove(change_id))

    change: ChangeRecord = await queue.change(change_id)
    assert (change.status, change.approved, change.batch_title) == ("pending", None, None)
    assert await batch_of(queue, change_id) is None


async def test_an_approved_change_that_was_hidden_stays_in_the_batch_it_was_in() -> None:
    queue = await a_queue()
    hidden, other = await queue.create("a"), await queue.create("b")
    batch = (await queue.approve(hidden))["batch_id"]
    await queue.submit(APPROVER, reviewing.purge(ChangeFilter(model_name="a"), dry_run=False))
    later = (await queue.approve(other))["batch_id"]

    assert later != batch
    assert await batch_of(queue, hidden) == batch
    assert await batch_of(queue, other) == later
