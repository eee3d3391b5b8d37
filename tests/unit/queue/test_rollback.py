"""Rolling back makes a new revision with the records of a former one."""

import pytest

from registry.blobs import Blobs
from registry.draft import IdempotencyKey
from registry.journal import Journal
from registry.rollback import rolled_back
from registry.seeding import seed
from service_kit.errors import Conflict, NotFound
from support.contents import a_record
from support.histories import Past
from support.queues import APPROVER, REQUESTOR, a_queue
from support.sources import a_clip_record, a_legacy_file, a_source
from write_queue.domain import group_data
from write_queue.domain.rolling_back import rollback


async def test_records_of_both_formats_come_back() -> None:
    queue = await a_queue()
    records, legacy = await queue.records(), await queue.legacy()
    await queue.make_live("new")
    outcome = await queue.submit(APPROVER, rollback(1, "a mistake"))
    assert outcome.body == {
        "revision": 3,
        "rolled_back_to": 1,
        "touched": [{"category": "clip", "model_name": "new", "operation": "delete"}],
    }
    assert await queue.records() == records
    assert await queue.legacy() == legacy
    lines = (await queue.state()).history.revisions
    assert [lines[revision].rolled_back_to for revision in (1, 2, 3)] == [None, None, 1]


async def test_what_was_rolled_back_can_be_brought_back() -> None:
    queue = await a_queue()
    await queue.make_live("new")
    await queue.submit(APPROVER, rollback(1))
    await queue.submit(APPROVER, rollback(2))
    assert "new" in await queue.records()
    assert (await queue.state()).history.by_model["clip/new"] == (2, 3, 4)


async def test_aliases_come_back_and_counters_go_on() -> None:
    queue = await a_queue()
    await queue.submit(REQUESTOR, group_data.put_aliases("A", ["B"]))
    await queue.make_live("new")
    await queue.submit(APPROVER, rollback(1))
    state = await queue.state()
    assert state.catalogue is not None
    side_data = await queue.service.catalogue.side_data(state.catalogue)
    assert side_data.aliases == {}
    clip = side_data.metadata["v2"]["clip"]
    assert (clip.total_creates, clip.total_deletes) == (1, 1)
    assert clip.total_models == len(await queue.records())


async def test_aliases_alone_are_worth_a_rollback() -> None:
    queue = await a_queue()
    await queue.submit(REQUESTOR, group_data.put_aliases("A", ["B"]))
    outcome = await queue.submit(APPROVER, rollback(1))
    assert (outcome.body["revision"], outcome.body["touched"]) == (3, [])


async def test_a_category_that_was_not_there_yet_stays() -> None:
    past = Past()
    await past.seed({"clip": {"a": a_record("clip", "a")}})
    both = {"clip": {"b": a_record("clip", "b")}, "blip": {"c": a_record("blip", "c")}}
    await past.seed(both)
    body, ref = await rolled_back(Journal(past.store), past.blobs, past.state, 1, now=7)
    assert {(one.category, one.model_name) for one in body.touched} == {("clip", "a"), ("clip", "b")}
    assert past.state.catalogue is not None
    assert ref.categories["blip"] == past.state.catalogue.categories["blip"]


async def test_a_category_that_came_since_is_no_difference_that_a_rollback_could_undo() -> None:
    past = Past()
    clip = {"a": a_record("clip", "a")}
    await past.seed({"clip": clip})
    await past.seed({"clip": clip, "blip": {"c": a_record("blip", "c")}})
    with pytest.raises(Conflict, match="the same records"):
        await rolled_back(Journal(past.store), past.blobs, past.state, 1, now=7)


@pytest.mark.parametrize(("revision", "error"), [(77, NotFound), (0, NotFound), (2, Conflict)])
async def test_a_revision_that_is_unknown_or_the_present_one_is_refused(
    revision: int, error: type[Exception]
) -> None:
    queue = await a_queue()
    await queue.make_live("new")
    with pytest.raises(error):
        await queue.submit(APPROVER, rollback(revision))


async def test_a_rollback_that_is_sent_twice_happens_once() -> None:
    queue = await a_queue()
    await queue.make_live("new")
    key = IdempotencyKey("k", "a" * 64)
    first = await queue.submit(APPROVER, rollback(1), key)
    assert (await queue.submit(APPROVER, rollback(1), key)).body == first.body
    assert (await queue.state()).revision == 3


async def test_seeding_over_a_rollback_or_other_aliases_is_refused_too() -> None:
    queue = await a_queue()
    journal, blobs = Journal(queue.store), Blobs(queue.store)
    source = await a_source(clip=a_legacy_file({"other": a_clip_record("other")}))
    await queue.submit(REQUESTOR, group_data.put_aliases("A", ["B"]))
    with pytest.raises(Conflict, match="revision 2: group_data_changed"):
        await seed(journal, blobs, source, state=await queue.state())
    await queue.submit(APPROVER, rollback(1))
    with pytest.raises(Conflict, match="revision 3: rolled_back"):
        await seed(journal, blobs, source, state=await queue.state())


async def test_seeding_over_edits_is_refused_unless_they_may_be_lost() -> None:
    queue = await a_queue()
    await queue.make_live("new")
    journal, blobs = Journal(queue.store), Blobs(queue.store)
    source = await a_source(clip=a_legacy_file({"other": a_clip_record("other")}))
    with pytest.raises(Conflict, match="revision 2: applied"):
        await seed(journal, blobs, source, state=await queue.state())
    await seed(journal, blobs, source, state=await queue.state(), when="always")
    assert list(await queue.records()) == ["other"]
