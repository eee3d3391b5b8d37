"""The records that a query chooses from, and which source gave which of them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Generic, Self, TypeVar

from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.source_consts import SourceOutcome

RecordT = TypeVar("RecordT", bound=GenericModelRecord)
Layers = tuple[tuple[str, Mapping[str, RecordT]], ...]
"""Pairs of a source and its records by name."""


class RecordPool(Generic[RecordT]):
    """The records of one category. A name stands for the record of the first source that has it."""

    __slots__ = ("_merged", "layers", "record_type", "status")

    def __init__(
        self, record_type: type[RecordT], layers: Layers[RecordT], status: Mapping[str, SourceOutcome]
    ) -> None:
        self.record_type = record_type
        self.layers = layers
        self.status = status
        self._merged: Mapping[str, RecordT] | None = layers[0][1] if len(layers) == 1 else None

    def restricted(self, sources: Collection[str]) -> Self:
        """Return the pool of some of the sources, as if only these had been asked."""
        layers = tuple(layer for layer in self.layers if layer[0] in sources)
        return type(self)(self.record_type, layers, self.status)

    def records(self) -> Collection[RecordT]:
        """Return the records to choose from, in the order of the sources."""
        if self._merged is None:
            merged: dict[str, RecordT] = {}
            for _, records in self.layers:
                merged |= {name: record for name, record in records.items() if name not in merged}
            self._merged = merged
        return self._merged.values()

    def named(self, name: str) -> Collection[RecordT]:
        """Return those of `records` that have the name."""
        for _, records in self.layers:
            record = records.get(name)
            if record is not None:
                return (record,)
        return ()

    def settled(self, chosen: Iterable[RecordT]) -> Iterable[RecordT]:
        """Return what was chosen, each name once."""
        return chosen

    def sources_of(self, name: str) -> list[str]:
        """Return the sources that have the name, in order."""
        return [source for source, records in self.layers if name in records]

    def origins(self) -> dict[int, str]:
        """Return the source of every record by the record's identity."""
        return {
            id(record): source for source, records in reversed(self.layers) for record in records.values()
        }


class CrossCategoryPool(RecordPool[RecordT]):
    """The records of many categories, a layer each.

    Models of different categories do not replace each other: conditions choose first (`record_type="clip"`),
    then the first category that has a name keeps it.
    """

    __slots__ = ()

    def records(self) -> Collection[RecordT]:
        return [record for _, records in self.layers for record in records.values()]

    def named(self, name: str) -> Collection[RecordT]:
        return [records[name] for _, records in self.layers if name in records]

    def settled(self, chosen: Iterable[RecordT]) -> Iterable[RecordT]:
        first: dict[str, RecordT] = {}
        for record in chosen:
            first.setdefault(record.name, record)
        return first.values()
