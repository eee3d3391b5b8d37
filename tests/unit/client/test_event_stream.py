"""Event streams, in whatever pieces they come."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.replica.event_stream import (
    EventStreamParser,
    EventTooLarge,
    ServerSentEvent,
)


def parsed(*pieces: bytes) -> list[ServerSentEvent]:
    parser = EventStreamParser()
    return [event for piece in pieces for event in parser.feed(piece)]


def test_an_event_has_a_name_data_and_an_id() -> None:
    assert parsed(b"id: 7\nevent: catalog.head\ndata: {}\n\n") == [ServerSentEvent("catalog.head", "{}", "7")]


def test_an_event_without_a_name_is_a_message_and_keeps_the_last_id() -> None:
    assert parsed(b"id: 7\ndata: a\n\ndata: b\n\n") == [
        ServerSentEvent("message", "a", "7"),
        ServerSentEvent("message", "b", "7"),
    ]


def test_a_name_holds_for_one_event_only() -> None:
    assert [event.event for event in parsed(b"event: x\n\ndata: a\n\n")] == ["message"]


def test_lines_of_data_are_joined() -> None:
    assert parsed(b"data: a\ndata\ndata:  b\n\n") == [ServerSentEvent("message", "a\n\n b", "")]


def test_an_event_of_an_empty_line_of_data_is_one() -> None:
    assert parsed(b"data:\n\n") == [ServerSentEvent("message", "", "")]


def test_comments_unknown_fields_and_events_without_data_are_nothing() -> None:
    assert parsed(b": still here\n\nfoo: bar\n\nid: 3\n\nevent: x\n\n") == []


def test_an_id_with_a_null_is_ignored_and_an_empty_one_forgets() -> None:
    parser = EventStreamParser()
    parser.feed(b"id: 3\n\nid: 4\0\n\n")
    assert parser.last_id == "3"
    parser.feed(b"id\n\n")
    assert parser.last_id == ""


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [(b"2500", 2500), (b"", None), (b"1.5", None), (b"-1", None), (b"9" * 5000, None)],
)
def test_the_server_may_say_how_long_to_wait(text: bytes, milliseconds: int | None) -> None:
    parser = EventStreamParser()
    parser.feed(b"retry: " + text + b"\n\n")
    assert parser.retry_milliseconds == milliseconds


def test_a_byte_order_mark_at_the_beginning_is_no_part_of_the_first_field() -> None:
    mark = "\ufeff".encode()
    assert [event.data for event in parsed(mark[:1], mark[1:] + b"data: a\n\n")] == ["a"]
    assert parsed(b"data: b\n\n" + mark + b"data: a\n\n") == parsed(b"data: b\n\n")


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert [event.data for event in parsed(b"data: \xff\n\n")] == ["\ufffd"]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_end_of_line_counts_at_once(end: bytes) -> None:
    assert len(parsed(b"data: a" + end + end)) == 1


def test_a_line_end_in_two_pieces_is_one() -> None:
    assert [event.data for event in parsed(b"data: a\r", b"", b"\ndata: b\r", b"\n\r", b"\n")] == ["a\nb"]


def test_what_the_end_cuts_off_is_never_given() -> None:
    assert parsed(b"data: a\n\ndata: b\n") == parsed(b"data: a\n\n")


@pytest.mark.parametrize("text", [b"data: " + b"x" * 200, b"x" * 200, b"data: xxxxxxxxx\n" * 20])
def test_too_large_an_event_is_refused(text: bytes) -> None:
    parser = EventStreamParser(max_event_characters=100)
    with pytest.raises(EventTooLarge):
        parser.feed(text)


def test_many_small_events_are_not_a_large_one() -> None:
    parser = EventStreamParser(max_event_characters=100)
    assert len(parser.feed(b"data: xxxxxxxxx\n\n" * 50)) == 50


fields = st.sampled_from(["data: ä", "data", "id: 7", "id", "event: x", "retry: 5", ": c", "?", ""])
streams = st.lists(st.tuples(fields, st.sampled_from(["\n", "\r", "\r\n"])), max_size=30).map(
    lambda lines: "".join(field + end for field, end in lines).encode()
)


@given(streams, st.lists(st.integers(0, 300)))
def test_the_pieces_make_no_difference(stream: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    assert parsed(*(stream[start:end] for start, end in pairwise(edges))) == parsed(stream)


@given(streams)
def test_the_kind_of_line_end_makes_no_difference(stream: bytes) -> None:
    plain = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert parsed(plain) == parsed(plain.replace(b"\n", b"\r\n")) == parsed(plain.replace(b"\n", b"\r"))


@given(st.binary(max_size=200))
def test_nothing_breaks_the_parser(stream: bytes) -> None:
    parsed(stream)
