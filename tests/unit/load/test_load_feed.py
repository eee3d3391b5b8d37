"""What a listener makes of the bytes of the live feed."""

import pytest

from load.feed import COMMITTED, HEAD, RESET, ChunkedText, EventText, Heard
from load.traffic import listening_problems

STREAM = (
    b"retry: 4321\n\n"
    b'id: 5\nevent: catalog.head\ndata: {"revision":5}\n\n'
    b": still here\n\n"
    b'id: 6\nevent: catalog.committed\ndata: {"revision":6, "kind": "a: b"}\n\n'
)
EVENTS = [(HEAD, 5), (COMMITTED, 6)]


def chunked(text: bytes, size: int) -> bytes:
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


@pytest.mark.parametrize("piece", [1, 2, 7, 1000])
@pytest.mark.parametrize("chunk", [1, 16, 1000])
def test_events_are_whole_however_the_bytes_come(piece: int, chunk: int) -> None:
    chunks, text = ChunkedText(), EventText()
    wire = chunked(STREAM, chunk)
    found = []
    for start in range(0, len(wire), piece):
        found += list(text.feed(chunks.feed(wire[start : start + piece])))
    assert found == EVENTS
    assert text.retry_milliseconds == 4321


def test_what_is_no_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        ChunkedText().feed(b"<html>\r\n")


@pytest.mark.parametrize(
    ("events", "gaps", "resets"),
    [
        ([(HEAD, 5), (COMMITTED, 6), (COMMITTED, 7)], [], 0),
        ([(HEAD, 5), (COMMITTED, 7)], [(5, 7)], 0),
        ([(HEAD, 5), (RESET, 9), (COMMITTED, 10)], [], 1),
        ([(HEAD, 5), (HEAD, 9), (COMMITTED, 10)], [(5, 9)], 0),
        ([(HEAD, 5), (COMMITTED, 6), (COMMITTED, 6)], [(6, 6)], 0),
    ],
)
def test_revision_that_was_left_out_or_told_twice_is_noticed(
    events: list[tuple[str, int]], gaps: list[tuple[int, int]], resets: int
) -> None:
    heard = Heard()
    for name, revision in events:
        heard.take(name, revision, 1.0)
    assert (heard.gaps, heard.resets) == (gaps, resets)


def test_gaps_and_late_listeners_are_problems() -> None:
    assert listening_problems({"gaps": [], "behind": 0}) == []
    assert len(listening_problems({"gaps": [(1, 3)], "behind": 2})) == 2
