"""The live feed over real connections."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

import pytest

from support.contents import a_record
from support.event_streams import EVENTS, Event, listening
from support.faulty_store import FaultyStore
from support.histories import Past
from support.memory_store import MemoryObjectStore
from support.served_pasts import ServedPast, served
from support.serving import LOOPBACK


def clip(*names: str) -> dict[str, dict[str, dict[str, object]]]:
    return {"clip": {name: a_record("clip", name) for name in names}}


async def a_past(revisions: int = 2) -> Past:
    past = Past()
    for number in range(1, revisions + 1):
        await past.seed(clip(f"model {number}"))
    return past


@pytest.fixture
async def world() -> AsyncIterator[ServedPast]:
    async with served(await a_past()) as world:
        yield world


def told(event: Event | None) -> tuple[str, int] | None:
    return None if event is None else (event.name, event.id)


async def metric(world: ServedPast, name: str) -> float:
    lines = (await world.ask("/metrics")).body.decode().splitlines()
    return next(float(line.split(" ")[1]) for line in lines if line.startswith(f"{name} "))


async def until(world: ServedPast, name: str, value: float) -> None:
    async with asyncio.timeout(60):
        while await metric(world, name) != value:  # noqa: ASYNC110 - it is the client
            await asyncio.sleep(0.02)


async def test_a_new_listener_is_told_where_it_starts_and_then_every_revision(world: ServedPast) -> None:
    async with listening(world.client.port) as stream:
        assert told(await stream.next()) == ("catalog.head", 2)
        await world.past.apply(clip("model 2", "new"))
        await world.past.apply(clip("new"))

        first, second = await stream.next(), await stream.next()

    assert told(first) == ("catalog.committed", 3)
    assert told(second) == ("catalog.committed", 4)
    assert first is not None
    assert first.data["models"] == [{"category": "clip", "model_name": "new", "operation": "create"}]
    assert stream.retry_milliseconds is not None
    assert 1000 <= stream.retry_milliseconds <= 10_000


async def test_a_stream_has_the_headers_of_every_answer_and_must_not_be_collected(world: ServedPast) -> None:
    async with listening(world.client.port, Origin="https://pages.example.org", X_Request_ID="r-1") as stream:
        headers = stream.headers

    assert stream.status == 200
    assert headers["content-type"] == "text/event-stream"
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-revision"] == "2"
    assert headers["x-request-id"] == "r-1"
    assert headers["access-control-allow-origin"] == "*"
    assert "content-encoding" not in headers


async def test_the_event_comes_when_the_revision_is_served(world: ServedPast) -> None:
    async with listening(world.client.port) as stream:
        await stream.next()
        await world.past.apply(clip("new"))
        await stream.next()

        assert (await world.get("/clip")).keys() == {"new"}


async def test_a_listener_that_comes_back_is_told_what_it_missed(world: ServedPast) -> None:
    for number in range(3, 7):
        await world.past.apply(clip(f"model {number}"))
    await world.reached()

    async with listening(world.client.port, Last_Event_ID="3") as stream:
        missed = [told(await stream.next()) for _ in range(3)]
        await world.past.apply(clip("new"))
        assert told(await stream.next()) == ("catalog.committed", 7)

    assert missed == [("catalog.committed", number) for number in (4, 5, 6)]


async def test_the_header_counts_more_than_the_query(world: ServedPast) -> None:
    async with listening(world.client.port, f"{EVENTS}?last_event_id=0", Last_Event_ID="1") as stream:
        assert told(await stream.next()) == ("catalog.committed", 2)
    async with listening(world.client.port, f"{EVENTS}?last_event_id=0") as stream:
        assert told(await stream.next()) == ("catalog.committed", 1)


async def test_who_missed_too_much_is_told_to_ask_for_the_changes() -> None:
    async with (
        served(await a_past(5), max_missed_revisions=2) as world,
        listening(world.client.port, Last_Event_ID="1") as stream,
    ):
        event = await stream.next()
        await world.past.apply(clip("new"))
        assert told(await stream.next()) == ("catalog.committed", 6)

    assert told(event) == ("catalog.reset", 5)
    assert event is not None
    assert event.data["changes"] == "/api/model_references/v2/changes?since=1"


@pytest.mark.parametrize("known", ["not a number", "9" * 40, "-1"])
async def test_who_knows_what_never_was_begins_anew(world: ServedPast, known: str) -> None:
    async with listening(world.client.port, Last_Event_ID=known) as stream:
        event = await stream.next()

    assert told(event) == ("catalog.reset", 2)
    assert event is not None
    assert event.data["changes"] is None


async def test_who_knows_more_than_an_instance_that_lost_its_store_is_not_taken_back() -> None:
    store = FaultyStore(MemoryObjectStore())
    past = Past(store)
    await past.seed(clip("a"))
    async with served(past) as world, asyncio.timeout(60):  # a stream would not end
        store.down = True
        answer = await world.ask(EVENTS, headers={"Last-Event-ID": "2"})

        assert (answer.status, "Retry-After" in answer.headers) == (503, True)


async def test_who_knows_a_revision_that_is_about_to_come_waits_for_it(world: ServedPast) -> None:
    opening = listening(world.client.port, Last_Event_ID="3")
    entering = asyncio.create_task(opening.__aenter__())
    await asyncio.sleep(0.05)
    await world.past.apply(clip("new"))
    stream = await entering
    await world.past.apply(clip("newer"))

    assert told(await stream.next()) == ("catalog.committed", 4)
    await opening.__aexit__(None, None, None)


async def test_a_query_that_is_no_revision_is_refused(world: ServedPast) -> None:
    assert (await world.ask(f"{EVENTS}?last_event_id=x")).status == 422


async def test_an_old_client_gets_the_stream_without_chunks(world: ServedPast) -> None:
    async with listening(world.client.port, version="1.0") as stream:
        assert "transfer-encoding" not in stream.headers
        assert told(await stream.next()) == ("catalog.head", 2)
        await world.past.apply(clip("new"))
        assert told(await stream.next()) == ("catalog.committed", 3)


async def test_head_gets_the_headers_only(world: ServedPast) -> None:
    async with listening(world.client.port, method="HEAD") as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        async with asyncio.timeout(30):
            assert await stream.reader.read() == b""
    await until(world, "live_feed_clients", 0)


async def test_a_silent_stream_is_kept_alive() -> None:
    async with (
        served(await a_past(), heartbeat_seconds=0.1) as world,
        listening(world.client.port) as stream,
    ):
        await stream.next()
        async with asyncio.timeout(60):
            beat = await stream.read()

    assert beat == b": still here\n\n"


async def test_listeners_beyond_the_limit_are_refused_until_one_leaves() -> None:
    async with served(await a_past(), max_clients=1) as world:
        async with listening(world.client.port) as first:
            await first.next()
            async with listening(world.client.port) as second:
                assert second.status == 503
                assert "retry-after" in second.headers
                assert second.headers["access-control-allow-origin"] == "*"
        await until(world, "live_feed_clients", 0)
        async with listening(world.client.port) as third:
            assert third.status == 200


async def test_an_empty_journal_is_told_as_revision_zero() -> None:
    async with served(Past()) as world, listening(world.client.port) as stream:
        assert told(await stream.next()) == ("catalog.head", 0)
        await world.past.seed(clip("first"))
        assert told(await stream.next()) == ("catalog.committed", 1)


async def test_a_slow_reader_is_cut_off_and_does_not_hold_up_the_others() -> None:
    async with (
        served(await a_past()) as world,
        listening(world.client.port) as quick,
    ):
        await quick.next()
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        slow.setblocking(False)
        loop = asyncio.get_running_loop()
        with contextlib.closing(slow):
            await loop.sock_connect(slow, (LOOPBACK, world.client.port))
            await loop.sock_sendall(slow, f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await until(world, "live_feed_clients", 2)
            for number in range(3, 23):  # 20 KB each
                await world.past.seed(clip(*(f"{'long name ' * 20}{number} {n}" for n in range(50))))
                assert told(await quick.next()) == ("catalog.committed", number)
            await until(world, "live_feed_cut_off_total", 1)
            await until(world, "live_feed_clients", 1)


async def test_who_went_away_is_forgotten_soon(world: ServedPast) -> None:
    async with listening(world.client.port) as stream:
        await stream.next()
        assert await metric(world, "live_feed_clients") == 1

    await until(world, "live_feed_clients", 0)


async def test_at_the_stop_streams_end_in_order_and_at_once() -> None:
    async with contextlib.AsyncExitStack() as stack:
        serving = served(await a_past(), shutdown_seconds=60)
        world = await serving.__aenter__()
        streams = [await stack.enter_async_context(listening(world.client.port)) for _ in range(20)]
        for stream in streams:
            await stream.next()
        started = time.monotonic()
        await serving.__aexit__(None, None, None)
        seconds = time.monotonic() - started

        ends = [await stream.next() for stream in streams]

    assert ends == [None] * 20
    assert seconds < 20
