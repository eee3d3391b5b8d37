"""Over random histories: what is told of the past is what is stored (http-write-api.md section 13)."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.blobs import Blobs
from registry.change_record import model_key
from registry.journal import Journal
from registry.seeding import seed
from registry.state import State
from registry.verify import verify
from service_kit.errors import ServiceError
from support.queues import APPROVER, REQUESTOR, Queue, a_queue
from support.sources import a_clip_record, a_legacy_file, a_source
from write_queue.domain import reviewing
from write_queue.domain.rolling_back import rollback
from write_queue.event_pages import EventPages
from write_queue.modes import Modes

NAMES: Final = ("a", "b", "Sample-B/32")
Action = tuple[str, int, int]

ACTIONS: Final = st.lists(
    st.tuples(
        st.sampled_from(
            ["create", "update", "delete", "approve", "reject", "apply", "rollback", "seed", "unapprove"]
        ),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    max_size=30,
)


async def act(queue: Queue, action: Action) -> None:
    """Do what can be done; the rest is refused, which is part of the history too."""
    what, one, other = action
    name = NAMES[one % len(NAMES)]
    match what:
        case "create":
            await queue.create(name, description=f"made {other}")
        case "update":
            await queue.update(name, description=f"changed {other}", version=str(one))
        case "delete":
            await queue.delete(name)
        case "rollback":
            revision = 1 + other % max(1, (await queue.state()).revision)
            await queue.submit(APPROVER, rollback(revision))
        case "seed":
            clip = a_legacy_file({"seeded": a_clip_record("seeded", description=f"{other}")})
            journal, blobs = Journal(queue.store), Blobs(queue.store)
            await seed(journal, blobs, await a_source(clip=clip), state=await queue.state(), when="always")
        case _:
            await review(queue, what, one)


async def review(queue: Queue, what: str, count: int) -> None:
    state = await queue.state()
    pending = [c.change_id for c in state.queue.visible() if c.status == "pending"]
    approved = state.queue.approved_ids
    match what:
        case "approve" if pending:
            await queue.approve(*pending[: count + 1])
        case "reject" if pending:
            await queue.reject(pending[-1])
        case "unapprove" if approved:
            await queue.submit(APPROVER, reviewing.unapprove(approved[-1]))
        case "apply" if approved:
            await queue.apply(*approved[: count + 1])
        case _:
            pass


async def a_history(actions: Sequence[Action]) -> Queue:
    queue = await a_queue()
    for action in actions:
        with contextlib.suppress(ServiceError):
            await act(queue, action)
    return queue


async def check(queue: Queue) -> None:
    state = await queue.state()
    assert (await verify(queue.store)).problems == []
    assert await Journal(queue.store).catch_up(State()) == state
    pages = EventPages(state, queue.service.catalogue, Modes())
    before: dict[str, object] = {}
    for revision in range(1, state.revision + 1):
        stored = await queue.records("clip", revision)
        assert (await pages.replay("clip", revision))[0] == stored
        line = state.history.revisions[revision]
        told = {one.model_name for one in line.touched if one.category == "clip"}
        differ = {name for name in {*before, *stored} if before.get(name) != stored.get(name)}
        assert differ <= told
        for name in told:
            assert revision in state.history.by_model[model_key("clip", name)]
        before = dict(stored)


@settings(max_examples=40, deadline=None)
@given(actions=ACTIONS)
def test_replay_at_every_revision_equals_the_stored_records(actions: list[Action]) -> None:
    async def run() -> None:
        await check(await a_history(actions))

    asyncio.run(run())


@settings(max_examples=25, deadline=None)
@given(actions=ACTIONS)
def test_every_event_has_its_own_id_and_they_come_in_order(actions: list[Action]) -> None:
    async def run() -> None:
        queue = await a_history(actions)
        state = await queue.state()
        told = [event.event_id for change in state.queue.changes.values() for event in change.events]
        assert len(told) == len(set(told))
        assert all(event_id < state.next_event_id for event_id in told)
        starts = [state.event_starts[sequence] for sequence in sorted(state.event_starts)]
        assert starts == sorted(set(starts))

    asyncio.run(run())


async def test_a_long_history_of_every_kind_of_entry_is_whole() -> None:
    queue = await a_queue()
    await queue.make_live("a", description="1")
    change_id = await queue.update("a", description="2")
    await queue.submit(REQUESTOR, reviewing.edit(change_id, {"name": "a", "description": "3"}))
    await queue.submit(REQUESTOR, reviewing.comment(change_id, "hm"))
    await queue.approve(change_id)
    await queue.apply(change_id)
    await queue.submit(APPROVER, rollback(2))
    await check(queue)
    assert (await queue.records())["a"]["description"] == "1"
