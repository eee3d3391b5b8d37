"""A crash, or a lost answer, at any operation on the store: a change is wholly there or not at all."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import pytest

from registry.verify import verify
from service_kit.errors import ServiceError
from support.faulty_store import Crashed, FaultyStore, Moment
from support.memory_store import MemoryObjectStore
from support.queues import Queue, a_queue

Action = Callable[[Queue], Awaitable[object]]


async def prepared() -> MemoryObjectStore:
    """A journal with changes 2 and 3 approved, a create and an update, and change 4 pending."""
    store = MemoryObjectStore()
    queue = await a_queue(store)
    await queue.make_live("old", description="old")
    ids = [await queue.create("one"), await queue.update("old", description="new")]
    await queue.approve(*ids)
    await queue.create("waiting")
    return store


async def propose(queue: Queue) -> object:
    return await queue.create("fresh")


async def decide(queue: Queue) -> object:
    return await queue.approve(4)


async def apply(queue: Queue) -> object:
    return await queue.apply(2, 3)


ACTIONS: Final[Mapping[str, Action]] = {"propose": propose, "decide": decide, "apply": apply}


async def outcome_on(store: MemoryObjectStore) -> tuple[object, ...]:
    """What a new instance sees: the statuses and the records that the actions are about."""
    queue = await a_queue(store)
    state = await queue.state()
    records = await queue.records()
    return (
        tuple(change.status for change in state.queue.visible()),
        "one" in records,
        records["old"]["description"],
        state.revision,
    )


async def operations_of(action: Action) -> int:
    faulty = FaultyStore(await prepared())
    queue = await a_queue(faulty)
    await queue.state()
    before = faulty.operations
    await action(queue)
    return faulty.operations - before


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("crash", [True, False], ids=["crash", "lost answer"])
async def test_a_failure_at_any_operation_leaves_all_or_nothing(
    name: str, moment: Moment, crash: bool
) -> None:
    action = ACTIONS[name]
    untouched = await outcome_on(await prepared())
    whole = await prepared()
    await action(await a_queue(whole))
    done = await outcome_on(whole)
    seen = set()
    for number in range(1, await operations_of(action) + 1):
        store = await prepared()
        faulty = FaultyStore(store, moment=moment, crash=crash)
        queue = await a_queue(faulty)
        await queue.state()
        faulty.at = faulty.operations + number
        told = None
        with contextlib.suppress(Crashed, ServiceError):
            told = await action(queue)
        result = await outcome_on(store)
        assert result in {untouched, done}
        assert told is None or result == done, "what was answered has to be there"
        assert (await verify(store)).problems == []
        seen.add(result)
    assert moment == "before" or done in seen


@pytest.mark.parametrize("name", ACTIONS)
async def test_after_a_crash_the_same_request_can_be_sent_again(name: str) -> None:
    action = ACTIONS[name]
    whole = await prepared()
    await action(await a_queue(whole))
    done = await outcome_on(whole)
    for number in range(1, await operations_of(action) + 1):
        store = await prepared()
        faulty = FaultyStore(store, moment="before", crash=True)
        queue = await a_queue(faulty)
        await queue.state()
        faulty.at = faulty.operations + number
        with contextlib.suppress(Crashed):
            await action(queue)
        if await outcome_on(store) != done:
            await action(await a_queue(store))
        assert await outcome_on(store) == done
