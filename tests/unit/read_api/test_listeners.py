import asyncio

import pytest

from read_api.domain.live_events import HEARTBEAT, piece
from read_api.live.listeners import MAX_MISSED_HEARTBEATS, WRITES_IN_A_ROW, Listener, Listeners

EVENT = piece(b"data: x\n\n")


class PretendedTransport(asyncio.WriteTransport):
    """Takes what is written, or keeps it waiting."""

    def __init__(self, *, waiting_bytes: int = 0) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.waiting_bytes = waiting_bytes
        self.closing = False
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closing
        self.written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return self.waiting_bytes

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = self.aborted = True


def join(
    listeners: Listeners, transport: PretendedTransport, *, revision: int = 1, chunked: bool = True
) -> Listener:
    listener = Listener(transport, chunked=chunked, revision=revision)
    listeners.join(listener)
    return listener


@pytest.fixture
def listeners() -> Listeners:
    return Listeners(max_buffered_bytes=1000, heartbeat_seconds=0)


async def test_an_event_is_written_once_to_everybody_in_the_framing_of_each(listeners: Listeners) -> None:
    modern, old = PretendedTransport(), PretendedTransport()
    join(listeners, modern)
    join(listeners, old, chunked=False)

    await listeners.tell(2, EVENT)
    await listeners.tell(2, EVENT)

    assert modern.written == [b"9\r\ndata: x\n\n\r\n"]
    assert old.written == [b"data: x\n\n"]


async def test_all_listeners_share_the_same_bytes(listeners: Listeners) -> None:
    class Keeping(PretendedTransport):
        def write(self, data: bytes | bytearray | memoryview) -> None:
            assert data is EVENT.chunked
            super().write(data)

    transports = [Keeping() for _ in range(WRITES_IN_A_ROW + 1)]
    for transport in transports:
        join(listeners, transport)
    await listeners.tell(2, EVENT)

    assert all(len(transport.written) == 1 for transport in transports)


async def test_a_listener_that_knows_the_revision_already_is_left_alone(listeners: Listeners) -> None:
    transport = PretendedTransport()
    join(listeners, transport, revision=2)

    await listeners.tell(2, EVENT)

    assert transport.written == []


async def test_one_who_takes_too_little_is_cut_off_and_the_others_are_told(listeners: Listeners) -> None:
    slow, quick = PretendedTransport(waiting_bytes=995), PretendedTransport()
    lost = join(listeners, slow)
    join(listeners, quick)

    await listeners.tell(2, EVENT)

    assert slow.aborted
    assert slow.written == []
    assert lost.ended.done()
    assert (len(listeners), listeners.cut_off) == (1, 1)
    assert len(quick.written) == 1


async def test_one_who_took_nothing_for_three_heartbeats_is_cut_off(listeners: Listeners) -> None:
    transport = PretendedTransport(waiting_bytes=1)
    join(listeners, transport)

    for _ in range(MAX_MISSED_HEARTBEATS):
        assert not transport.aborted
        await listeners.beat()

    assert transport.aborted
    assert transport.written == []


async def test_taking_something_makes_up_for_missed_heartbeats(listeners: Listeners) -> None:
    transport = PretendedTransport(waiting_bytes=1)
    join(listeners, transport)
    for waiting in (1, 1, 0, 1, 1):
        transport.waiting_bytes = waiting
        await listeners.beat()

    assert not transport.aborted
    assert transport.written == [HEARTBEAT.chunked]


async def test_there_is_no_heartbeat_where_something_was_written_lately() -> None:
    listeners = Listeners(max_buffered_bytes=1000, heartbeat_seconds=60)
    transport = PretendedTransport()
    join(listeners, transport)

    await listeners.beat()

    assert transport.written == []


@pytest.mark.parametrize("act", ["tell", "beat"])
async def test_who_is_gone_is_let_go(listeners: Listeners, act: str) -> None:
    transport = PretendedTransport()
    listener = join(listeners, transport)
    transport.closing = True

    await (listeners.tell(2, EVENT) if act == "tell" else listeners.beat())

    assert len(listeners) == 0
    assert listener.ended.done()
    assert listeners.cut_off == 0


async def test_who_leaves_while_others_are_told_is_not_written_to(listeners: Listeners) -> None:
    transports = [PretendedTransport() for _ in range(WRITES_IN_A_ROW * 2)]
    joined = [join(listeners, transport) for transport in transports]
    telling = asyncio.create_task(listeners.tell(2, EVENT))
    await asyncio.sleep(0)
    for listener in joined:
        listeners.leave(listener)
    await telling

    assert sum(len(transport.written) for transport in transports) == WRITES_IN_A_ROW


async def test_ending_lets_everybody_go(listeners: Listeners) -> None:
    listener = join(listeners, PretendedTransport())

    listeners.end_all()

    assert listener.ended.done()
    assert not listeners
