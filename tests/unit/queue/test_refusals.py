"""What is refused at the edges of a change's life, and what nearly is (http-write-api.md sections 4 to 9)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from registry.blobs import Blobs
from registry.bodies import Decided
from registry.draft import IdempotencyKey
from registry.journal import Journal
from registry.seeding import seed
from service_kit.errors import Conflict, RequestInvalid, RequestRefused
from support.queues import APPROVER, ORIGIN, OTHER, REQUESTOR, Queue, a_queue
from support.sources import a_clip_record, a_legacy_file, a_source
from support.text_models import a_row, models_csv
from write_queue.domain import applying, proposing, reviewing
from write_queue.domain.applying import ApplyFailed
from write_queue.domain.selection import ChangeFilter

KEY = IdempotencyKey("k", "a" * 64)
MORNING = datetime(2026, 6, 1, 8, tzinfo=UTC)


async def approved(queue: Queue, *names: str) -> list[int]:
    ids = [await queue.create(name) for name in names]
    await queue.approve(*ids)
    return ids


async def test_a_pending_change_alone_is_no_batch_to_be_applied() -> None:
    queue = await a_queue()
    with pytest.raises(RequestRefused, match="only approved changes can be applied"):
        await queue.apply(await queue.create())


async def test_changes_of_two_batches_are_not_applied_together() -> None:
    queue = await a_queue()
    first, second = await approved(queue, "a", "b")
    await queue.apply(first)
    with pytest.raises(RequestRefused, match="more than one batch"):
        await queue.apply(first, second)


async def test_a_change_that_is_named_twice_is_applied_once() -> None:
    queue = await a_queue()
    (one,) = await approved(queue, "a")
    assert [change["change_id"] for change in (await queue.apply(one, one)).body["applied"]] == [one]


async def test_a_batch_is_applied_in_the_order_of_the_ids_whatever_was_approved_first() -> None:
    queue = await a_queue()
    first, second = await queue.create("a"), await queue.create("b")
    await queue.approve(second)
    batch = (await queue.approve(first))["batch_id"]
    outcome = await queue.submit(APPROVER, applying.apply_batch(batch, None))
    assert [change["change_id"] for change in outcome.body["applied"]] == [first, second]


async def test_a_job_that_applied_more_is_not_repeated_for_a_part() -> None:
    queue = await a_queue()
    first, second = await approved(queue, "a", "b")
    await queue.apply(first, second, job_id="night")
    with pytest.raises(Conflict, match="not approved"):
        await queue.apply(first, job_id="night")


async def test_a_job_is_not_repeated_for_what_it_applied_at_two_times() -> None:
    queue = await a_queue()
    first, second = await approved(queue, "a", "b")
    await queue.apply(first, job_id="night")
    await queue.apply(second, job_id="night")
    with pytest.raises(RequestRefused, match="more than one batch"):
        await queue.apply(first, second, job_id="night")


async def test_the_generated_name_of_one_change_is_not_the_job_of_all() -> None:
    queue = await a_queue()
    ids = await approved(queue, "a", "b")
    command = applying.apply_many(ids, None, allow_mixed_batch=False)
    outcome = await queue.submit(APPROVER, command, KEY)
    job_id = outcome.body["applied"][0]["applied_job_id"]
    with pytest.raises(Conflict, match="not approved"):
        await queue.apply(*ids, job_id=job_id)


async def test_an_answer_told_again_has_the_times_of_then() -> None:
    queue = await a_queue(now=MORNING)
    (one,) = await approved(queue, "a")
    first = await queue.submit(APPROVER, applying.apply_one(one, None), KEY)
    later = await a_queue(queue.store, now=MORNING + timedelta(hours=1))
    await later.submit(APPROVER, reviewing.purge(ChangeFilter(model_name="a"), dry_run=False))
    assert (await later.submit(APPROVER, applying.apply_one(one, None), KEY)).body == first.body


async def test_the_removal_of_a_model_cannot_be_edited() -> None:
    queue = await a_queue()
    await queue.make_live()
    removal = await queue.delete()
    with pytest.raises(Conflict, match="nothing to edit"):
        await queue.submit(REQUESTOR, reviewing.edit(removal, {"name": "m"}))


async def test_a_change_cannot_be_edited_into_one_of_another_model() -> None:
    queue = await a_queue()
    change_id = await queue.create("m")
    with pytest.raises(RequestRefused, match="is about 'm'"):
        await queue.submit(REQUESTOR, reviewing.edit(change_id, {"name": "n"}))


@pytest.mark.parametrize("dry_run", [True, False])
async def test_hiding_nothing_leaves_no_entry(dry_run: bool) -> None:
    queue = await a_queue()
    await queue.create("m")
    before = (await queue.state()).sequence
    chosen = ChangeFilter(model_name="m" if dry_run else "somebody else")
    outcome = await queue.submit(APPROVER, reviewing.purge(chosen, dry_run=dry_run))
    assert outcome.body["removed_count"] == dry_run
    assert (await queue.state()).sequence == before


async def test_a_reason_to_reject_is_not_kept_where_nothing_is_rejected() -> None:
    queue = await a_queue()
    change_id = await queue.create()
    await queue.submit(APPROVER, reviewing.decide("a batch", [change_id], (), "no"))
    entry, _ = await Journal(queue.store).read((await queue.state()).sequence)
    assert isinstance(entry.body, Decided)
    assert entry.body.reject_reason is None


async def test_a_model_that_is_gone_can_be_made_again_while_an_update_of_it_waits() -> None:
    queue = await a_queue()
    await queue.make_live()
    await queue.update(description="better")
    removal = await queue.delete()
    await queue.approve(removal)
    await queue.apply(removal)
    assert (await queue.change(await queue.create())).status == "pending"


async def test_a_model_that_came_to_be_by_other_ways_is_not_made_twice() -> None:
    queue = await a_queue()
    (change_id,) = await approved(queue, "m")
    source = await a_source(clip=a_legacy_file({"m": a_clip_record("m")}))
    await seed(Journal(queue.store), Blobs(queue.store), source, state=await queue.state(), when="always")
    with pytest.raises(ApplyFailed, match="'m' exists in clip by now"):
        await queue.apply(change_id)


async def test_a_model_that_was_changed_and_changed_back_can_be_removed() -> None:
    queue = await a_queue(now=MORNING)
    await queue.make_live(description="base")
    removal = await queue.delete()
    later = await a_queue(queue.store, now=MORNING + timedelta(hours=1))
    for description in ("other", "base"):
        change_id = await later.update(description=description)
        await later.approve(change_id)
        await later.apply(change_id)
    await later.approve(removal)
    await later.apply(removal)
    assert "m" not in await later.records()


async def test_two_changes_of_a_model_in_one_revision_are_both_in_it() -> None:
    queue = await a_queue()
    await queue.make_live(description="base")
    first = await queue.update(description="better")
    second = await queue.update(user=OTHER, description="base", version="2")
    await queue.approve(first, second)
    await queue.apply(first, second)
    record = (await queue.records())["m"]
    assert (record["description"], record["version"]) == ("better", "2")


async def test_two_changes_of_one_field_in_one_revision_are_refused_both() -> None:
    queue = await a_queue()
    await queue.make_live(description="base")
    first = await queue.update(description="from a")
    second = await queue.update(user=OTHER, description="from b")
    await queue.approve(first, second)
    with pytest.raises(ApplyFailed, match="in the same fields: description") as caught:
        await queue.apply(first, second)
    assert caught.value.members["failed_change_id"] == second
    assert (await queue.records())["m"]["description"] == "base"


async def test_a_copy_for_a_backend_is_no_member_of_its_group() -> None:
    queue = await a_queue()
    names = ("Org/Zed-7B", "koboldcpp/Zed-7B")
    source = await a_source(text_generation=models_csv(*map(a_row, names)))
    await seed(Journal(queue.store), Blobs(queue.store), source, state=await queue.state())
    (record,) = (await queue.records("text_generation")).values()
    command = proposing.common_fields(record["text_model_group"], {"nsfw": True})
    assert (await queue.submit(REQUESTOR, command)).body["updated_count"] == 1


@pytest.mark.parametrize("who", [{"102"}, {"other#102"}, {"102", "nobody"}])
async def test_changes_are_chosen_by_the_id_or_the_name_of_their_proposer(who: set[str]) -> None:
    queue = await a_queue()
    await queue.create("a")
    theirs = await queue.create("b", user=OTHER)
    chosen = ChangeFilter(requested_by=frozenset(who))
    outcome = await queue.submit(APPROVER, reviewing.purge(chosen, dry_run=True))
    assert outcome.body["removed_change_ids"] == [theirs]


async def test_only_what_makes_a_revision_is_said_to_be_committed() -> None:
    queue = await a_queue()
    proposed = await queue.submit(REQUESTOR, proposing.create("clip", {"name": "m"}, "v2", ORIGIN))
    await queue.approve(1)
    applied = await queue.apply(1, job_id="night")
    again = await queue.apply(1, job_id="night")
    assert (proposed.committed, applied.committed, again.committed) == (False, True, False)


async def test_an_update_by_a_client_that_does_not_know_a_field_keeps_it() -> None:
    queue = await a_queue()
    fields: dict[str, Any] = {"baseline": "stable_diffusion_1", "nsfw": False}
    category = "image_generation"
    await queue.make_live("m", category, **fields, features_not_supported=["hires_fix"])
    change_id = await queue.update("m", category, **fields, description="better")
    edited = {"name": "m", **fields, "description": "best"}
    await queue.submit(REQUESTOR, reviewing.edit(change_id, edited))
    for payload in ((await queue.change(change_id)).payload, (await queue.records(category))["m"]):
        assert payload["features_not_supported"] == ["hires_fix"]
    await queue.approve(change_id)
    await queue.apply(change_id)
    record = (await queue.records(category))["m"]
    assert (record["description"], record["features_not_supported"]) == ("best", ["hires_fix"])


async def test_an_update_as_it_was_proposed_keeps_what_the_client_does_not_know() -> None:
    queue = await a_queue()
    fields: dict[str, Any] = {"baseline": "stable_diffusion_1", "nsfw": False}
    await queue.make_live("m", "image_generation", **fields, features_not_supported=["hires_fix"])
    change = await queue.change(await queue.update("m", "image_generation", **fields))
    assert change.payload["features_not_supported"] == ["hires_fix"]


@pytest.mark.parametrize("revision", [2, 77])
async def test_a_proposal_starts_from_a_revision_that_exists(revision: int) -> None:
    queue = await a_queue()
    origin = proposing.Origin("a_route", base_revision=revision)
    with pytest.raises(RequestInvalid) as caught:
        await queue.proposed(REQUESTOR, proposing.create("clip", {"name": "m"}, "v2", origin))
    assert caught.value.details[0]["loc"] == ["query", "base_revision"]


async def test_what_is_rejected_beside_an_approval_belongs_to_the_batch() -> None:
    queue = await a_queue()
    first, second = await queue.create("a"), await queue.create("b")
    answer = (await queue.submit(APPROVER, reviewing.decide("t", [first], [second], "no"))).body
    state = await queue.state()
    assert (await queue.change(second)).batch_id == answer["batch_id"] == 1
    assert state.queue.batches[1].change_ids == (first, second)


async def test_rejections_alone_open_no_batch() -> None:
    queue = await a_queue()
    await queue.reject(await queue.create())
    state = await queue.state()
    assert (state.queue.open_batch_id, state.queue.last_batch_id) == (None, 0)
    assert (await queue.change(1)).batch_id is None
