from typing import Any

import pytest

from service_kit.errors import NotFound, RequestRefused
from support.queues import APPROVER, Queue, a_queue
from write_queue.domain import reviewing
from write_queue.domain.selection import ChangeFilter
from write_queue.event_pages import EventFilter, EventPages
from write_queue.modes import Modes


async def pages_of(queue: Queue, **limits: int) -> EventPages:
    return EventPages(await queue.state(), queue.service.catalogue, Modes(), **limits)


async def all_events(pages: EventPages, chosen: EventFilter, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = await pages.page(chosen, after=after, limit=limit)
        found += page["events"]
        after = page["next_after"]
    return found


@pytest.mark.parametrize("limit", [1, 2, 7, 500])
async def test_pages_of_any_size_show_every_event_once(limit: int) -> None:
    queue = await a_queue()
    await queue.make_live("a")
    await queue.create("b")
    await queue.submit(APPROVER, reviewing.purge(ChangeFilter(model_name="b"), dry_run=False))

    found = await all_events(await pages_of(queue), EventFilter(), limit)

    assert [event["event_id"] for event in found] == list(range(1, (await queue.state()).next_event_id))


async def test_a_filter_that_matches_late_goes_on_from_page_to_page() -> None:
    queue = await a_queue()
    for number in range(10):
        await queue.create(f"m{number}")

    pages = await pages_of(queue, max_entries=3)
    first = await pages.page(EventFilter("pending_queue", "9"), after=0, limit=5)
    found = await all_events(pages, EventFilter("pending_queue", "9"), 5)

    assert first["events"] == []
    assert first["next_after"] is not None
    assert [event["payload"]["after"]["change_id"] for event in found] == [9]


async def test_beyond_the_last_event_there_is_nothing() -> None:
    queue = await a_queue()

    assert await (await pages_of(queue)).page(EventFilter(), after=10**9, limit=5) == {
        "events": [],
        "next_after": None,
    }


async def test_replay_is_bounded() -> None:
    queue = await a_queue()
    for name in ("a", "b"):
        await queue.make_live(name)
    pages = await pages_of(queue, max_replayed_revisions=2)

    assert (await pages.replay("clip", 2))[0].keys() == (await queue.records(revision=2)).keys()
    assert (await pages.replay("esrgan", 3))[0] == await queue.records("esrgan")
    with pytest.raises(RequestRefused):
        await pages.replay("clip", 3)
    with pytest.raises(NotFound):
        await pages.replay("clip", 4)
