"""The life of a change: proposed, decided, applied (http-write-api.md sections 6 to 9)."""

import pytest

from registry.change_record import ChangeStatus, Form
from service_kit.errors import Conflict, NotFound, RequestInvalid, RequestRefused, RoleMissing
from support.queues import APPROVER, OTHER, REQUESTOR, a_queue
from write_queue.domain import applying, proposing, reviewing
from write_queue.domain.applying import ApplyFailed
from write_queue.domain.selection import ChangeFilter


async def test_a_proposal_is_pending_and_not_live() -> None:
    queue = await a_queue()
    change = await queue.change(await queue.create(description="d"))
    assert (change.status, change.requested.by, change.requested.username) == (
        "pending",
        "101",
        "requestor#101",
    )
    assert "m" not in await queue.records()


async def test_an_applied_change_is_live_in_both_formats_with_its_authors() -> None:
    queue = await a_queue()
    change_id = await queue.make_live(description="first")
    record = (await queue.records())["m"]
    assert record["description"] == "first"
    assert record["metadata"]["created_by"] == "101"
    assert b'"first"' in await queue.legacy()
    change = await queue.change(change_id)
    assert change.applied is not None
    assert (change.status, change.applied.by, change.applied_revision) == ("applied", "202", 2)


async def test_every_other_record_keeps_its_bytes_in_v1() -> None:
    queue = await a_queue()
    before = await queue.legacy()
    change_id = await queue.make_live()
    deletion = await queue.delete()
    await queue.approve(deletion)
    await queue.apply(deletion)
    assert change_id < deletion
    assert await queue.legacy() == before


async def test_a_name_that_is_live_cannot_be_created() -> None:
    queue = await a_queue()
    await queue.make_live()
    with pytest.raises(Conflict, match="'m' exists already"):
        await queue.create()


async def test_a_second_pending_create_names_the_first() -> None:
    queue = await a_queue()
    first = await queue.create()
    with pytest.raises(Conflict, match=f"change {first}") as caught:
        await queue.create(user=OTHER)
    assert caught.value.members["change"]["change_id"] == first


async def test_a_rejected_create_frees_the_name() -> None:
    queue = await a_queue()
    await queue.reject(await queue.create())
    assert await queue.create() == 2


async def test_what_is_not_live_can_neither_be_updated_nor_removed() -> None:
    queue = await a_queue()
    with pytest.raises(NotFound, match="'ghost'"):
        await queue.update("ghost")
    with pytest.raises(NotFound, match="'ghost'"):
        await queue.delete("ghost")


async def test_a_record_that_could_not_be_applied_is_refused_when_proposed() -> None:
    queue = await a_queue()
    with pytest.raises(RequestInvalid):
        await queue.create("x", "image_generation", baseline="no such", nsfw=False)


async def test_only_pending_changes_can_be_decided_and_then_none_is() -> None:
    queue = await a_queue()
    first, second = await queue.create("a"), await queue.create("b")
    await queue.approve(second)
    with pytest.raises(Conflict, match=f"{second}.* approved"):
        await queue.approve(first, second)
    with pytest.raises(RequestRefused, match="999"):
        await queue.approve(first, 999)
    assert (await queue.change(first)).status == "pending"


async def test_approvals_join_the_open_batch_and_a_finished_one_is_followed_by_a_larger_one() -> None:
    queue = await a_queue()
    first, second, third = [await queue.create(name) for name in "abc"]
    opened = (await queue.approve(first))["batch_id"]
    assert (await queue.approve(second))["batch_id"] == opened
    await queue.apply(first, second)
    assert (await queue.approve(third))["batch_id"] > opened


async def test_applying_a_part_moves_the_rest_into_a_new_batch() -> None:
    queue = await a_queue()
    first, second, third = [await queue.create(name) for name in "abc"]
    batch = (await queue.approve(first, second, third))["batch_id"]
    answer = (await queue.apply(second)).body
    assert answer["batch_split_occurred"] is True
    assert answer["batch_split_original_batch_id"] == batch
    assert answer["batch_split_reassigned_count"] == 2
    state = await queue.state()
    rest = answer["batch_split_new_batch_id"]
    assert [state.queue.batch_id_of(await queue.change(one)) for one in (first, second, third)] == [
        rest,
        batch,
        rest,
    ]
    assert state.queue.batches[rest].change_ids == (first, third)
    assert state.queue.batches[batch].change_ids == (second,)


async def test_a_whole_batch_is_one_revision_in_the_order_given() -> None:
    queue = await a_queue()
    ids = [await queue.create(name) for name in "abc"]
    await queue.approve(*ids)
    before = (await queue.state()).revision
    outcome = await queue.apply(ids[2], ids[0], ids[1])
    assert [one["change_id"] for one in outcome.body["applied"]] == [ids[2], ids[0], ids[1]]
    assert outcome.body["batch_split_occurred"] is False
    assert (await queue.state()).revision == before + 1
    assert list(await queue.records())[-3:] == ["c", "a", "b"]


@pytest.mark.parametrize("form", ["v2", "legacy"])
async def test_in_a_batch_of_several_authors_each_record_has_its_own(form: Form) -> None:
    queue = await a_queue(form=form)
    await queue.make_live("old")
    ids = [
        await queue.create("a", user=REQUESTOR),
        await queue.create("b", user=OTHER),
        await queue.update("old", user=OTHER, description="new"),
        await queue.create("c", user=REQUESTOR),
    ]
    await queue.approve(*ids)
    await queue.apply(*ids)
    records = await queue.records()
    assert [records[name]["metadata"]["created_by"] for name in "abc"] == ["101", "102", "101"]
    assert (records["old"]["metadata"]["created_by"], records["old"]["metadata"]["updated_by"]) == (
        "101",
        "102",
    )


async def test_one_bad_member_stops_the_whole_batch() -> None:
    queue = await a_queue()
    await queue.make_live("victim")
    ids = [await queue.delete("victim"), await queue.delete("victim"), await queue.create("tail")]
    await queue.approve(*ids)
    with pytest.raises(ApplyFailed) as caught:
        await queue.apply(*ids)
    assert caught.value.members["failed_change_id"] == ids[1]
    assert caught.value.members["applied"] == []
    assert {(await queue.change(one)).status for one in ids} == {"approved"}
    assert "victim" in await queue.records()


async def test_what_is_not_approved_cannot_be_applied() -> None:
    queue = await a_queue()
    change_id = await queue.create()
    with pytest.raises(Conflict, match="not approved"):
        await queue.submit(APPROVER, applying.apply_one(change_id, None))
    await queue.approve(change_id)
    await queue.apply(change_id)
    with pytest.raises(Conflict, match="not approved"):
        await queue.apply(change_id)


async def test_the_same_job_gets_the_first_answer_again() -> None:
    queue = await a_queue()
    change_id = await queue.create()
    await queue.approve(change_id)
    first = await queue.apply(change_id, job_id="night")
    again = await queue.apply(change_id, job_id="night")
    assert again.replayed
    assert again.body == first.body
    assert (await queue.state()).revision == 2


async def test_the_same_job_by_another_route_is_answered_in_the_shape_of_that_route() -> None:
    queue = await a_queue()
    change_id = await queue.create()
    batch_id = (await queue.approve(change_id))["batch_id"]
    first = await queue.submit(APPROVER, applying.apply_one(change_id, "night"))
    for command in (
        applying.apply_many([change_id], "night", allow_mixed_batch=False),
        applying.apply_batch(batch_id, "night"),
    ):
        again = await queue.submit(APPROVER, command)
        assert again.body == {"applied": [first.body["record"]], "batch_split_occurred": False}
    many = await queue.submit(APPROVER, applying.apply_one(change_id, "night"))
    assert (many.body, many.replayed) == (first.body, True)


async def test_a_generated_job_id_is_no_name_of_the_callers() -> None:
    queue = await a_queue()
    change_id = await queue.create()
    await queue.approve(change_id)
    job_id = (await queue.apply(change_id)).body["applied"][0]["applied_job_id"]
    with pytest.raises(Conflict, match="not approved"):
        await queue.submit(APPROVER, applying.apply_one(change_id, job_id))


async def test_edits_of_different_fields_are_merged() -> None:
    queue = await a_queue()
    await queue.make_live(description="base")
    first = await queue.update(description="from a")
    second = await queue.update(user=OTHER, description="base", version="2")
    await queue.approve(first, second)
    await queue.apply(first)
    await queue.apply(second)
    record = (await queue.records())["m"]
    assert (record["description"], record["version"]) == ("from a", "2")


async def test_edits_of_the_same_field_are_refused_with_its_name() -> None:
    queue = await a_queue()
    await queue.make_live(description="base")
    first = await queue.update(description="from a")
    second = await queue.update(description="from b")
    await queue.approve(first, second)
    await queue.apply(first)
    with pytest.raises(ApplyFailed, match="description") as caught:
        await queue.apply(second)
    assert caught.value.members["conflicting_fields"] == ["description"]
    assert (await queue.records())["m"]["description"] == "from a"


async def test_what_changed_since_its_removal_was_proposed_is_not_removed() -> None:
    queue = await a_queue()
    await queue.make_live(description="base")
    removal, edit = await queue.delete(), await queue.update(description="better")
    await queue.approve(removal, edit)
    await queue.apply(edit)
    with pytest.raises(ApplyFailed, match="description"):
        await queue.apply(removal)


@pytest.mark.parametrize("status", ["approved", "rejected", "withdrawn"])
async def test_only_a_pending_change_can_be_withdrawn(status: ChangeStatus) -> None:
    queue = await a_queue()
    change_id = await queue.create()
    match status:
        case "approved":
            await queue.approve(change_id)
        case "rejected":
            await queue.reject(change_id)
        case _:
            await queue.submit(REQUESTOR, reviewing.withdraw(change_id))
    with pytest.raises(Conflict, match=status):
        await queue.submit(REQUESTOR, reviewing.withdraw(change_id))


async def test_only_the_proposer_edits_and_withdraws() -> None:
    queue = await a_queue()
    change_id = await queue.create()
    with pytest.raises(RoleMissing):
        await queue.submit(OTHER, reviewing.withdraw(change_id))
    with pytest.raises(RoleMissing):
        await queue.submit(APPROVER, reviewing.edit(change_id, {"name": "m"}))


async def test_an_edited_change_applies_as_edited() -> None:
    queue = await a_queue()
    change_id = await queue.create(description="typo")
    await queue.submit(REQUESTOR, reviewing.edit(change_id, {"name": "m", "description": "better"}))
    await queue.approve(change_id)
    await queue.apply(change_id)
    assert (await queue.records())["m"]["description"] == "better"
    assert [event.action for event in (await queue.change(change_id)).events] == [
        "enqueue",
        "edit",
        "approve",
        "apply",
    ]


async def test_what_was_edited_since_the_approver_looked_is_not_decided() -> None:
    queue = await a_queue()
    ids = [await queue.create("a"), await queue.create("b")]
    seen = {change_id: (await queue.change(change_id)).payload_version for change_id in ids}
    await queue.submit(REQUESTOR, reviewing.edit(ids[1], {"name": "b", "description": "other"}))
    with pytest.raises(Conflict, match="change 2 was edited") as caught:
        await queue.submit(APPROVER, reviewing.decide("t", ids, (), None, seen))
    assert caught.value.members["change"]["payload_version"] == 2
    assert {(await queue.change(one)).status for one in ids} == {"pending"}
    await queue.submit(APPROVER, reviewing.decide("t", ids, (), None, {1: 1, 2: 2}))
    assert {(await queue.change(one)).status for one in ids} == {"approved"}


async def test_an_edit_based_on_a_revision_that_does_not_exist_is_refused() -> None:
    queue = await a_queue()
    change_id = await queue.create()
    with pytest.raises(RequestInvalid):
        await queue.submit(REQUESTOR, reviewing.edit(change_id, {"name": "m"}, base_revision=77))


async def test_an_unapproved_change_is_pending_again_and_in_no_batch() -> None:
    queue = await a_queue()
    first, second = await queue.create("a"), await queue.create("b")
    batch = (await queue.approve(first, second))["batch_id"]
    await queue.submit(APPROVER, reviewing.unapprove(first, "too early"))
    state = await queue.state()
    assert (await queue.change(first)).status == "pending"
    assert state.queue.batches[batch].change_ids == (second,)
    assert state.queue.approved_ids == (second,)


async def test_what_was_approved_alone_is_not_applied_once_two_persons_are_required() -> None:
    queue = await a_queue()
    change_id = await queue.create(user=APPROVER)
    await queue.approve(change_id)
    strict = await a_queue(queue.store, require_two_persons=True)
    with pytest.raises(RoleMissing, match="another approver"):
        await strict.apply(change_id)
    await strict.submit(APPROVER, reviewing.unapprove(change_id))
    await strict.approve(change_id, user=OTHER)
    await strict.apply(change_id)


async def test_two_persons_may_be_required() -> None:
    queue = await a_queue(require_two_persons=True)
    change_id = await queue.create(user=APPROVER)
    with pytest.raises(RoleMissing, match="another approver"):
        await queue.approve(change_id)


async def test_a_purged_change_is_hidden_but_kept() -> None:
    queue = await a_queue()
    change_id = await queue.create()
    await queue.approve(change_id)
    chosen = ChangeFilter(model_name="M")
    tried = await queue.submit(APPROVER, reviewing.purge(chosen, dry_run=True))
    assert tried.body == {"removed_count": 1, "removed_change_ids": [change_id], "dry_run": True}
    await queue.submit(APPROVER, reviewing.purge(chosen, dry_run=False))
    state = await queue.state()
    assert state.queue.find(change_id) is None
    assert state.queue.changes[change_id].hidden
    assert (state.queue.approved_ids, state.queue.open_batch_id) == ((), None)
    with pytest.raises(NotFound):
        await queue.apply(change_id)
    assert await queue.create() == change_id + 1


async def test_a_comment_is_no_transition() -> None:
    queue = await a_queue()
    change_id = await queue.create()
    await queue.submit(OTHER, reviewing.comment(change_id, "why?"))
    change = await queue.change(change_id)
    assert [(one.stamp.by, one.text) for one in change.comments] == [("102", "why?")]
    assert change.status == "pending"


async def test_a_change_takes_so_many_comments_and_no_more() -> None:
    queue = await a_queue()
    change_id = await queue.create()
    for number in range(reviewing.MAX_COMMENTS):
        await queue.submit(OTHER, reviewing.comment(change_id, f"{number}"))
    with pytest.raises(Conflict, match="comments"):
        await queue.submit(OTHER, reviewing.comment(change_id, "one more"))


async def test_a_base_revision_that_does_not_exist_is_refused() -> None:
    queue = await a_queue()
    await queue.make_live()
    origin = proposing.Origin("r", base_revision=77)
    for command in (
        proposing.update("clip", "m", {"name": "m"}, "v2", origin),
        proposing.create("clip", {"name": "n"}, "v2", origin),
    ):
        with pytest.raises(RequestInvalid):
            await queue.submit(REQUESTOR, command)


async def test_an_outdated_base_revision_is_merged_when_proposed() -> None:
    queue = await a_queue()
    await queue.make_live(description="base")
    seen = (await queue.state()).revision
    change_id = await queue.update(description="newer")
    await queue.approve(change_id)
    await queue.apply(change_id)
    origin = proposing.Origin("r", base_revision=seen)
    with pytest.raises(Conflict, match="description"):
        await queue.submit(
            REQUESTOR,
            proposing.update("clip", "m", {"name": "m", "description": "mine"}, "v2", origin),
        )


async def test_events_tell_of_every_entry() -> None:
    queue = await a_queue()
    await queue.make_live()
    assert [one.step.kind for one in queue.told] == ["proposed", "decided", "applied"]


async def test_a_null_that_a_proposal_leaves_out_is_no_edit() -> None:
    queue = await a_queue()
    await queue.make_live()
    assert (await queue.records())["m"]["pretrained_name"] is None
    first = await queue.update(pretrained_name="ViT")
    second = await queue.update(user=OTHER, description="d")
    await queue.approve(first, second)
    await queue.apply(first)
    await queue.apply(second)
    record = (await queue.records())["m"]
    assert (record["pretrained_name"], record["description"]) == ("ViT", "d")
