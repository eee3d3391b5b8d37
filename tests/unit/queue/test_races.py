"""Several instances on one journal: its order decides, and nobody loses anything."""

import asyncio
from collections.abc import Awaitable

from service_kit.errors import ServiceError
from support.memory_store import MemoryObjectStore
from support.queues import Queue, a_queue


async def instances(count: int) -> list[Queue]:
    first = await a_queue()
    return [first, *[await a_queue(first.store) for _ in range(count - 1)]]


async def succeeded(*attempts: Awaitable[object]) -> list[object]:
    results = await asyncio.gather(*attempts, return_exceptions=True)
    unexpected = [one for one in results if isinstance(one, Exception) and not isinstance(one, ServiceError)]
    assert unexpected == []
    return [one for one in results if not isinstance(one, Exception)]


async def test_proposals_of_all_instances_get_distinct_ids() -> None:
    queues = await instances(3)
    ids = await asyncio.gather(*(queue.create(f"m{n}") for n in range(8) for queue in queues[n % 3 :][:1]))
    assert sorted(ids) == list(range(1, 9))


async def test_what_one_instance_answered_the_others_see_at_once() -> None:
    one, other = await instances(2)
    await other.state()
    change_id = await one.create()
    assert (await other.change(change_id)).status == "pending"
    await other.approve(change_id)
    assert (await one.change(change_id)).status == "approved"


async def test_of_two_creates_of_one_name_one_is_refused() -> None:
    queues = await instances(3)
    assert len(await succeeded(*(queue.create("same") for queue in queues))) == 1


async def test_approving_against_rejecting_has_one_winner() -> None:
    queues = await instances(2)
    change_id = await queues[0].create()
    assert len(await succeeded(queues[0].approve(change_id), queues[1].reject(change_id))) == 1


class CountingStore(MemoryObjectStore):
    """Counts the journal entries that were read."""

    entries_read = 0

    async def get(self, key: str) -> bytes:
        body = await super().get(key)
        self.entries_read += key.startswith("journal/")
        await asyncio.sleep(0)
        return body


async def test_requests_that_wait_for_each_other_read_no_entry_again() -> None:
    store = CountingStore()
    queue = await a_queue(store)
    await queue.state()
    store.entries_read = 0
    await asyncio.gather(*(queue.create(f"m{number}") for number in range(30)))
    assert store.entries_read == 0


async def test_a_change_is_applied_once() -> None:
    queues = await instances(3)
    change_id = await queues[0].create()
    await queues[0].approve(change_id)
    assert len(await succeeded(*(queue.apply(change_id) for queue in queues for _ in range(2)))) == 1
    assert (await queues[0].state()).revision == 2
