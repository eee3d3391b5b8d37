"""The kinds of entries: for each a body and one step of the fold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from registry.catalogue import FrozenModel
from registry.entries import Entry, EntryBody
from registry.errors import EntryCorrupt
from registry.state import State


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entry: the type of its body, and what it does to the state beyond a new catalogue."""

    body: type[EntryBody]
    step: Callable[[State, Entry], State]


class SeededCategory(FrozenModel):
    """How many records a category had after seeding, and how many of its source were left out."""

    records: int
    rejected: int = 0


class Seeded(EntryBody):
    """The catalogue was read from files of the legacy repositories."""

    source: str
    categories: dict[str, SeededCategory]


def fold_seeded(state: State, entry: Entry) -> State:
    """Remember where the data came from; the new catalogue itself is folded for every kind."""
    if not isinstance(entry.body, Seeded):
        raise EntryCorrupt(f"journal entry {entry.sequence} has not the body of its kind")
    return state.model_copy(update={"seeded_from": entry.body.source})


KINDS: Final[Mapping[str, Kind]] = {"seeded": Kind(Seeded, fold_seeded)}
BODY_TYPES: Final = {name: kind.body for name, kind in KINDS.items()}
