"""The bounded buffer of events that wait for the broker."""

import asyncio

import pytest

from service_kit.outgoing_events import OutgoingEvent, OutgoingEvents


def an_event(body: bytes) -> OutgoingEvent:
    return OutgoingEvent("a.b", body)


def filled(limit: int, *bodies: bytes) -> OutgoingEvents:
    events = OutgoingEvents(limit)
    for body in bodies:
        events.add(an_event(body))
    return events


async def bodies(events: OutgoingEvents, count: int = 100) -> list[bytes]:
    return [event.body for event in await events.take(count)]


async def test_oldest_come_first_and_at_most_as_many_as_asked_for() -> None:
    events = filled(10, b"1", b"2", b"3")
    assert await bodies(events, 2) == [b"1", b"2"]
    assert await bodies(events, 2) == [b"3"]


async def test_full_buffer_drops_its_oldest_and_says_which() -> None:
    events = filled(2, b"1", b"2")
    dropped = events.add(an_event(b"3"))
    assert dropped is not None
    assert dropped.body == b"1"
    assert await bodies(events) == [b"2", b"3"]


async def test_taking_waits_for_the_next_event() -> None:
    events = filled(10)
    taking = asyncio.create_task(bodies(events))
    await asyncio.sleep(0)
    assert not taking.done()
    events.add(an_event(b"1"))
    assert await taking == [b"1"]


async def test_event_that_was_put_back_comes_first() -> None:
    events = filled(10, b"1", b"2")
    (first,) = await events.take(1)
    assert events.put_back(first) is None
    assert await bodies(events) == [b"1", b"2"]


async def test_event_without_room_is_not_put_back() -> None:
    events = filled(1, b"1")
    (first,) = await events.take(1)
    events.add(an_event(b"2"))
    assert events.put_back(first) is first
    assert await bodies(events) == [b"2"]


async def test_settled_waits_for_those_on_their_way_too() -> None:
    events = filled(10, b"1")
    (taken,) = await events.take(1)
    waiting = asyncio.create_task(events.settled())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert len(events) == 1
    events.settle(taken)
    await waiting
    assert len(events) == 0


async def test_what_was_taken_is_unsettled_until_it_is_settled_or_put_back() -> None:
    events = filled(10, b"1", b"2", b"3")
    first, second, third = await events.take(3)
    events.settle(second)
    events.put_back(third)
    assert events.unsettled() == [first]


async def test_cleared_events_are_returned_and_gone() -> None:
    events = filled(10, b"1", b"2")
    assert [event.body for event in events.clear()] == [b"1", b"2"]
    await events.settled()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await events.take(1)


def test_tries_of_one_event_share_an_id_and_two_events_do_not() -> None:
    one, other = an_event(b"1"), an_event(b"1")
    assert one.message_id != other.message_id
