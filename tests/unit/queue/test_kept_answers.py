"""The answers to applying: what is kept of them with the entry, and how they are told again."""

import json
from typing import Any

import pytest

from registry.draft import IdempotencyKey
from registry.entries import entry_key
from registry.journal import Journal
from registry.public_entries import is_public
from support.queues import APPROVER, REQUESTOR, Queue, a_queue
from write_queue.domain import applying, proposing, reviewing
from write_queue.domain.commands import Command
from write_queue.domain.selection import ChangeFilter

KEY = IdempotencyKey("k", "a" * 64)
SECRET = "what somebody wrote"


async def two_approved(queue: Queue) -> tuple[int, int]:
    """Approve two changes that carry every text which people can write."""
    origin = proposing.Origin("a_route", reason=SECRET)
    payload = {"name": "m", "description": SECRET}
    first = await queue.proposed(REQUESTOR, proposing.create("clip", payload, "v2", origin))
    second = await queue.create("n")
    await queue.submit(REQUESTOR, reviewing.comment(first, SECRET))
    await queue.approve(first, second)
    return first, second


def commands(first: int, second: int) -> list[Command]:
    return [
        applying.apply_one(first, "job"),
        applying.apply_many([first], None, allow_mixed_batch=False),
        applying.apply_many([second, first], "job", allow_mixed_batch=False),
        applying.apply_batch(1, None),
    ]


@pytest.mark.parametrize("which", range(4))
async def test_the_entry_of_an_apply_keeps_nothing_that_people_wrote(which: int) -> None:
    queue = await a_queue()
    command = commands(*await two_approved(queue))[which]
    before = (await queue.state()).sequence
    first = await queue.submit(APPROVER, command, KEY)
    raw = await queue.store.get(entry_key(before + 1))
    entry, _ = await Journal(queue.store).read(before + 1)

    assert SECRET in json.dumps(first.body)
    assert SECRET.encode() not in raw
    assert is_public(entry)


@pytest.mark.parametrize("which", range(4))
async def test_the_answer_is_told_again_as_it_was_whatever_happened_since(which: int) -> None:
    queue = await a_queue()
    ids = await two_approved(queue)
    command = commands(*ids)[which]
    first = await queue.submit(APPROVER, command, KEY)
    await queue.submit(REQUESTOR, reviewing.comment(ids[0], "now"))
    await queue.submit(APPROVER, reviewing.purge(ChangeFilter(), dry_run=False))
    again = await queue.submit(APPROVER, command, KEY)

    assert (again.status, again.body, again.replayed) == (first.status, first.body, True)


async def test_the_job_is_told_its_answer_without_comments_of_later() -> None:
    queue = await a_queue()
    change_id, _ = await two_approved(queue)
    first = await queue.submit(APPROVER, applying.apply_one(change_id, "job"))
    await queue.submit(REQUESTOR, reviewing.comment(change_id, "now"))
    again: Any = (await queue.submit(APPROVER, applying.apply_one(change_id, "job"))).body

    assert again == first.body
    assert [one["text"] for one in again["record"]["comments"]] == [SECRET]
    assert again["batch_split_occurred"] is True
