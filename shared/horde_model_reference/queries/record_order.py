"""Order and groups of records by the value of a field; what is not known comes last."""

from collections.abc import Hashable, Iterable, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from horde_model_reference.queries.field_paths import FieldPath

T = TypeVar("T")


def in_order(records: Iterable[T], path: FieldPath, *, descending: bool) -> list[T]:
    """Return the records ordered by a field, unknown values last in both directions; equal ones stay put.

    Raises `ValueError` when two values cannot be compared.
    """
    pairs: list[tuple[Any, T]] = [(path.find(record), record) for record in records]
    known = [pair for pair in pairs if pair[0] is not None]
    try:
        known.sort(key=itemgetter(0), reverse=descending)
    except TypeError as error:
        raise ValueError(f"the values of {path.text!r} have no order: {error}") from None
    return [record for _, record in known] + [record for value, record in pairs if value is None]


def grouped(records: Sequence[T], path: FieldPath) -> dict[Hashable, list[T]]:
    """Return the records by the value of a field, groups in the order of appearance; lists become tuples.

    Raises `ValueError` for values that have no hash.
    """
    groups: dict[Hashable, list[T]] = {}
    try:
        for record in records:
            groups.setdefault(_key(path.find(record)), []).append(record)
    except TypeError as error:
        raise ValueError(f"the values of {path.text!r} cannot be keys: {error}") from None
    return groups


def _key(value: object) -> Hashable:
    # Whether another value has a hash shows when it becomes a key.
    return tuple(value) if isinstance(value, list) else value
