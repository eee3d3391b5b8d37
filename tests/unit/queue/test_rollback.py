"""Rolling back makes a new revision with the records of a former one."""

import pytest

from registry.blobs import Blobs
from registry.draft import IdempotencyKey
from registry.journal import Journal
from registry.seeding import seed
from service_kit.errors import Conflict, NotFound
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


async def test_seeding_over_edits_is_refused_unless_they_may_be_lost() -> None:
    queue = await a_queue()
    await queue.make_live("new")
    journal, blobs = Journal(queue.store), Blobs(queue.store)
    source = await a_source(clip=a_legacy_file({"other": a_clip_record("other")}))
    with pytest.raises(Conflict, match="revision 2: applied"):
        await seed(journal, blobs, source, state=await queue.state())
    await seed(journal, blobs, source, state=await queue.state(), when="always")
    assert list(await queue.records()) == ["other"]
