"""A state as lines of JSON, made and read piece by piece: a large one must not stop the other threads.

The first line is the state without its persistent maps. Every other line holds some items of one map:
`{"queue.changes":{"1":{...},"2":{...}}}`. Equal states give equal lines.
"""

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_origin

import orjson
from immutables import Map
from pydantic import BaseModel, TypeAdapter

from registry.state import State

LINE_ITEMS: Final = 200
LINE_BYTES: Final = 128 * 1024
"""A line is ended at the item with which it reaches one of these: about 1 ms of work."""

_SORTED_AT_ONCE: Final = 1000

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class MapField:
    """A persistent map of the state: the names that lead to it, and what it holds."""

    path: tuple[str, ...]
    value: TypeAdapter[Any]
    items: TypeAdapter[dict[Any, Any]]

    @property
    def prefix(self) -> bytes:
        """What a line with items of this map begins with."""
        return b'{"%s":' % ".".join(self.path).encode()


@cache
def map_fields() -> tuple[MapField, ...]:
    """Return every persistent map of the state."""
    return tuple(_map_fields(State, ()))


def split(state: State) -> Iterator[bytes]:
    """Yield the lines of a state, without line ends."""
    empty = {field.path: Map[Any, Any]() for field in map_fields()}
    yield _with_maps(state, empty).model_dump_json().encode()
    for field in map_fields():
        value: Any = state
        for name in field.path:
            value = getattr(value, name)
        yield from _map_lines(field, value)


class StateJoiner:
    """Takes the lines of a state one by one, in order."""

    def __init__(self) -> None:
        self._rest: State | None = None
        self._maps = {field.path: Map[Any, Any]().mutate() for field in map_fields()}

    def add(self, line: bytes) -> None:
        """Read a line. Raises `ValueError` when it is not one of a state."""
        if self._rest is None:
            self._rest = State.model_validate_json(line)
            return
        field = next((field for field in map_fields() if line.startswith(field.prefix)), None)
        if field is None or not line.endswith(b"}"):
            raise ValueError("a line that belongs to no part of a state")
        self._maps[field.path].update(field.items.validate_json(line[len(field.prefix) : -1]))

    def state(self) -> State:
        """Return the state, after its last line. Raises `ValueError` when there was none."""
        if self._rest is None:
            raise ValueError("there is not even one line")
        return _with_maps(self._rest, {path: items.finish() for path, items in self._maps.items()})


def join(lines: Iterable[bytes]) -> State:
    """Return the state whose lines these are. Raises `ValueError` when they are not those of one."""
    joiner = StateJoiner()
    for line in lines:
        joiner.add(line)
    return joiner.state()


def _map_fields(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[MapField]:
    for name, info in model.model_fields.items():
        annotation = info.annotation
        if get_origin(annotation) is Map:
            key, value = get_args(annotation)
            yield MapField((*path, name), TypeAdapter(value), TypeAdapter(dict[key, value]))  # type: ignore[valid-type]
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _map_fields(annotation, (*path, name))


def _map_lines(field: MapField, values: Map[Any, Any]) -> Iterator[bytes]:
    items: list[bytes] = []
    size_bytes = 0
    for key in _sorted(values):
        item = orjson.dumps(str(key)) + b":" + field.value.dump_json(values[key])
        items.append(item)
        size_bytes += len(item)
        if len(items) >= LINE_ITEMS or size_bytes >= LINE_BYTES:
            yield field.prefix + b"{" + b",".join(items) + b"}}"
            items, size_bytes = [], 0
    if items:
        yield field.prefix + b"{" + b",".join(items) + b"}}"


def _sorted(values: Iterable[Any]) -> Iterator[Any]:
    """Yield the values in order. One call of `sorted` for a hundred thousand would not let others run."""
    every = iter(values)
    slices = []
    while some := sorted(itertools.islice(every, _SORTED_AT_ONCE)):
        slices.append(some)
    return heapq.merge(*slices)


def _with_maps(model: Model, maps: Mapping[tuple[str, ...], Map[Any, Any]]) -> Model:
    """Return the model with other maps, given by the names that lead to them from it."""
    update: dict[str, Any] = {path[0]: value for path, value in maps.items() if len(path) == 1}
    for name in {path[0] for path in maps if len(path) > 1}:
        below = {path[1:]: value for path, value in maps.items() if path[0] == name}
        update[name] = _with_maps(getattr(model, name), below)
    return model.model_copy(update=update)
