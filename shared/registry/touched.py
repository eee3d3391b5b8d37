"""Which records differ between two states of the catalogue."""

from collections.abc import Iterator, Mapping

from horde_model_reference.documents import CategoryDocuments, Record
from horde_model_reference.strict_json import same_json
from horde_model_reference.v2_format import parse_v2
from registry.history_state import Touched


def touched_records(
    before: Mapping[str, CategoryDocuments], after: Mapping[str, CategoryDocuments]
) -> Iterator[Touched]:
    """Yield every v2 record that was made, changed or removed: by category, first what exists afterwards."""
    for category, documents in after.items():
        known = before.get(category)
        if known is not None and known.v2 == documents.v2:
            continue
        yield from _touched_in(category, parse_v2(known.v2) if known else {}, parse_v2(documents.v2))


def _touched_in(
    category: str, before: Mapping[str, Record], after: Mapping[str, Record]
) -> Iterator[Touched]:
    for name, record in after.items():
        if name not in before:
            yield Touched(category=category, model_name=name, operation="create")
        elif not same_json(before[name], record):
            yield Touched(category=category, model_name=name, operation="update")
    for name in before:
        if name not in after:
            yield Touched(category=category, model_name=name, operation="delete")
