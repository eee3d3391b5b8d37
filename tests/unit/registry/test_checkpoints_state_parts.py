"""A state is taken apart into lines and put together again."""

import json

import pytest
from hypothesis import given
from immutables import Map

from registry.state import State
from registry.state_parts import LINE_BYTES, LINE_ITEMS, join, map_fields, split
from support.states import a_state, states


@given(states)
def test_joined_lines_are_the_state_that_was_split(state: State) -> None:
    joined = join(split(state))
    assert joined == state
    assert joined.model_dump_json() == state.model_dump_json()


@given(states)
def test_every_line_is_json(state: State) -> None:
    for line in split(state):
        assert isinstance(json.loads(line), dict)
        assert b"\n" not in line


def test_every_map_of_the_state_is_found() -> None:
    assert {field.path for field in map_fields()} >= {
        ("queue", "changes"),
        ("queue", "open_by_name"),
        ("history", "revisions"),
        ("history", "by_model"),
        ("answered",),
        ("event_starts",),
    }


def test_equal_states_have_equal_lines_whatever_the_order_of_their_maps() -> None:
    numbers = range(1, 3001)
    one = State(event_starts=Map({number: number for number in numbers}))
    other = State(event_starts=Map({number: number for number in reversed(numbers)}))
    assert list(split(one)) == list(split(other))


def test_lines_stay_small_however_large_the_state() -> None:
    lines = list(split(a_state(1000, sequence=1, payload_bytes=5000)))
    assert max(map(len, lines)) < LINE_BYTES + 8192
    assert all(len(next(iter(json.loads(line).values()))) <= LINE_ITEMS for line in lines[1:])


def test_lines_of_one_map_may_come_in_any_order() -> None:
    state = a_state(500, sequence=1)
    first, *rest = split(state)
    assert join([first, *reversed(rest)]) == state


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b""],
        [b"[]"],
        [b"{}", b'{"queue.unknown":{}}'],
        [b"{}", b'{"queue.changes":{"1":'],
        [b"{}", b'{"queue.changes":{"one":{}}}'],
        [b"{}", b'{"event_starts":[]}'],
        [b"{}", b'{"event_starts":{"1":2}'],
        [b'{"unknown":1}'],
    ],
)
def test_lines_that_are_not_those_of_a_state_are_refused(lines: list[bytes]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        join(lines)
