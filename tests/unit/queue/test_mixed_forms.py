"""Changes of both forms to one model in one batch: on a legacy PRIMARY the group endpoints speak v2."""

from typing import Any

import pytest

from support.queues import ORIGIN, REQUESTOR, Queue, a_queue
from write_queue.domain import proposing
from write_queue.domain.applying import ApplyFailed

TEXT = "text_generation"
NAME = "Author/Model-7B"


async def a_legacy_queue() -> Queue:
    queue = await a_queue(form="legacy")
    await queue.make_live(NAME, TEXT, parameters=7_000_000_000, description="old", baseline="b")
    return queue


async def a_group_change(queue: Queue, **fields: Any) -> int:
    group = (await queue.records(TEXT))[NAME]["text_model_group"]
    outcome = await queue.submit(REQUESTOR, proposing.common_fields(group, fields))
    change_id: int = outcome.body["pending_change_ids"][0]
    return change_id


async def a_legacy_change(queue: Queue, **fields: Any) -> int:
    catalogue = (await queue.state()).catalogue
    assert catalogue is not None
    live = (await queue.service.catalogue.legacy_records(catalogue, TEXT))[NAME]
    payload = {key: value for key, value in {**live, **fields}.items() if value is not None}
    return await queue.proposed(REQUESTOR, proposing.update(TEXT, NAME, payload, "legacy", ORIGIN))


@pytest.mark.parametrize("group_first", [True, False])
async def test_the_second_change_does_not_undo_the_first(group_first: bool) -> None:
    queue = await a_legacy_queue()
    ids = [await a_group_change(queue, description="new"), await a_legacy_change(queue, url="https://x.org")]
    await queue.approve(*ids)
    await queue.apply(*(ids if group_first else reversed(ids)))
    record = (await queue.records(TEXT))[NAME]
    assert (record["description"], record["url"]) == ("new", "https://x.org")


@pytest.mark.parametrize("group_first", [True, False])
async def test_edits_of_the_same_field_are_refused(group_first: bool) -> None:
    queue = await a_legacy_queue()
    ids = [await a_group_change(queue, description="a"), await a_legacy_change(queue, description="b")]
    await queue.approve(*ids)
    with pytest.raises(ApplyFailed, match="description"):
        await queue.apply(*(ids if group_first else reversed(ids)))
    assert (await queue.records(TEXT))[NAME]["description"] == "old"


async def test_changes_of_both_forms_are_made_in_the_order_they_are_named() -> None:
    queue = await a_legacy_queue()
    fields = {"name": "Author/Other-7B", "parameters": 7_000_000_000}
    v2 = await queue.proposed(REQUESTOR, proposing.create(TEXT, fields, "v2", ORIGIN))
    legacy = await queue.create("Author/Third-7B", TEXT, parameters=7_000_000_000)
    await queue.approve(v2, legacy)
    await queue.apply(v2, legacy)
    assert list(await queue.records(TEXT))[-2:] == ["Author/Other-7B", "Author/Third-7B"]
