"""Requests that come twice."""

import asyncio

import pytest

from registry.draft import IdempotencyKey
from service_kit.errors import Conflict, ValueNotKnown
from support.queues import ORIGIN, OTHER, REQUESTOR, a_queue
from write_queue.domain import proposing
from write_queue.domain.commands import Command

KEY = IdempotencyKey("k-1", "a" * 64)


def a_create(name: str = "m") -> Command:
    return proposing.create("clip", {"name": name}, "v2", ORIGIN)


async def test_the_same_key_gets_the_first_answer_and_changes_nothing() -> None:
    queue = await a_queue()
    first = await queue.submit(REQUESTOR, a_create(), KEY)
    again = await queue.submit(REQUESTOR, a_create(), KEY)
    assert (again.status, again.body, again.replayed) == (first.status, first.body, True)
    assert (await queue.state()).queue.next_change_id == 2


async def test_the_first_answer_comes_although_the_change_went_on() -> None:
    queue = await a_queue()
    first = await queue.submit(REQUESTOR, a_create(), KEY)
    await queue.approve(1)
    await queue.apply(1)
    again = await queue.submit(REQUESTOR, a_create(), KEY)
    assert again.body == first.body
    assert again.body["status"] == "pending"


async def test_another_instance_knows_the_key() -> None:
    queue = await a_queue()
    other = await a_queue(queue.store)
    first = await queue.submit(REQUESTOR, a_create(), KEY)
    assert (await other.submit(REQUESTOR, a_create(), KEY)).body == first.body


async def test_requests_with_one_key_at_the_same_time_make_one_change() -> None:
    queue = await a_queue()
    instances = [queue, await a_queue(queue.store), await a_queue(queue.store)]
    outcomes = await asyncio.gather(
        *(one.submit(REQUESTOR, a_create(), KEY) for one in instances for _ in range(3))
    )
    assert {outcome.body["change_id"] for outcome in outcomes} == {1}
    assert sum(not outcome.replayed for outcome in outcomes) == 1


async def test_a_key_with_another_request_is_refused() -> None:
    queue = await a_queue()
    await queue.submit(REQUESTOR, a_create(), KEY)
    with pytest.raises(ValueNotKnown, match="another request"):
        await queue.submit(REQUESTOR, a_create("n"), IdempotencyKey("k-1", "b" * 64))


async def test_the_keys_of_others_do_not_matter() -> None:
    queue = await a_queue()
    await queue.submit(REQUESTOR, a_create(), KEY)
    assert not (await queue.submit(OTHER, a_create("n"), KEY)).replayed


async def test_a_refused_request_leaves_its_key_free() -> None:
    queue = await a_queue()
    await queue.make_live("m")
    with pytest.raises(Conflict):
        await queue.submit(REQUESTOR, a_create(), KEY)
    deletion = await queue.delete("m")
    await queue.approve(deletion)
    await queue.apply(deletion)
    assert not (await queue.submit(REQUESTOR, a_create(), KEY)).replayed
