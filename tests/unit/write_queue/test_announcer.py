from horde_model_reference.events import CatalogCommitted, ChangeApplied, ChangeDecided, ChangeProposed
from support.queues import REQUESTOR, a_queue
from write_queue.announcer import events_of
from write_queue.domain import group_data


async def test_each_step_is_told_with_its_changes() -> None:
    queue = await a_queue()
    first, second = await queue.create("a"), await queue.create("b")
    await queue.approve(first)
    await queue.reject(second)
    await queue.apply(first, job_id="J")

    events = [event for appended in queue.told for event in events_of(appended)]

    assert [type(event) for event in events] == [
        ChangeProposed,
        ChangeProposed,
        ChangeDecided,
        ChangeDecided,
        ChangeApplied,
        CatalogCommitted,
    ]
    proposed, _, approved, rejected, applied, committed = events
    assert isinstance(proposed, ChangeProposed)
    assert (proposed.change_ids, proposed.user_id, proposed.revision) == ((first,), "101", 1)
    assert isinstance(approved, ChangeDecided)
    assert (approved.approved_ids, approved.rejected_ids) == ((first,), ())
    assert isinstance(rejected, ChangeDecided)
    assert rejected.rejected_ids == (second,)
    assert isinstance(applied, ChangeApplied)
    assert (applied.change_ids, applied.job_id, applied.revision) == ((first,), "J", 2)
    assert isinstance(committed, CatalogCommitted)
    assert (committed.kind, committed.sequence) == ("applied", applied.sequence)


async def test_group_data_makes_a_revision_and_nothing_in_the_queue() -> None:
    queue = await a_queue()
    await queue.submit(REQUESTOR, group_data.put_aliases("A", ["B"]))

    events = [event for appended in queue.told for event in events_of(appended)]

    assert [event.routing_key for event in events] == ["catalog.committed"]
