"""What may hold between a value of a record and another value, and tests of records made of that."""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, TypeGuard

from pydantic import BaseModel

from horde_model_reference.queries.field_paths import MISSING, FieldPath

Relation = Callable[[object, object], bool]
"""Holds between the value of a record (first) and the wanted one."""

Test = Callable[[Any], bool]
"""Whether a record is wanted. Any: the class of the records is the business of the query."""

TEXTS: Final = (str, bytes)
LISTS: Final = (list, tuple, set, frozenset, dict)


def true() -> Literal[True]:
    """Say True: comparing a field with it means the same with and without parentheses."""
    return True


def false() -> Literal[False]:
    """Say False: comparing a field with it means the same with and without parentheses."""
    return False


def plain(value: object) -> object:
    """Return what is meant by a wanted value: the functions `true` and `false` mean what they return."""
    if value is true:
        return True
    return False if value is false else value


def is_membership(wanted: object) -> TypeGuard[Iterable[object]]:
    """Say whether a wanted value stands for any of its items. A pydantic model is one value."""
    return isinstance(wanted, Iterable) and not isinstance(wanted, (*TEXTS, BaseModel))


def options_of(wanted: Iterable[object]) -> frozenset[object] | tuple[object, ...]:
    """Return the items of any iterable, so that they can be looked at again and, if possible, fast."""
    items = tuple(plain(item) for item in wanted)
    try:
        return frozenset(items)
    except TypeError:
        return items


def is_one_of(value: object, options: object) -> bool:
    """Look the value up in a collection; nothing is in None, which another field may be.

    Raises `ValueError` for a text and for what is no collection.
    """
    if options is None:
        return False
    if isinstance(options, TEXTS) or not isinstance(options, Iterable):
        raise ValueError(f"membership needs several values, not {options!r}")  # noqa: TRY004 - given by the contract
    try:
        return value in options
    except TypeError:  # a list is not to be found in a set by its hash
        return value in tuple(options)


def is_known_and_one_of(value: object, options: object) -> bool:
    """Do the same, but None is in no collection."""
    return is_one_of(value, options) and value is not None


def is_known_and_differs(value: object, wanted: object) -> bool:
    """Compare; None differs from nothing."""
    return value is not None and value != wanted


def contains(value: object, item: object) -> bool:
    """Look for an item in a list; a text contains nothing."""
    return isinstance(value, LISTS) and item in value


def _ordered(compare: Callable[[Any, Any], bool]) -> Relation:
    def holds(value: object, wanted: object) -> bool:
        if value is None or wanted is None:
            return False
        try:
            return compare(value, wanted)
        except TypeError:
            raise ValueError(f"{value!r} and {wanted!r} cannot be compared") from None

    return holds


equal: Final[Relation] = operator.eq
differs: Final[Relation] = operator.ne
identical: Final[Relation] = operator.is_
not_identical: Final[Relation] = operator.is_not
less: Final = _ordered(operator.lt)
less_or_equal: Final = _ordered(operator.le)
greater: Final = _ordered(operator.gt)
greater_or_equal: Final = _ordered(operator.ge)

SUFFIXES: Final[Mapping[str, Relation]] = {
    "lt": less,
    "lte": less_or_equal,
    "gt": greater,
    "gte": greater_or_equal,
    "ne": is_known_and_differs,
    "in": is_known_and_one_of,
    "contains": contains,
}
"""Suffix of a keyword to what it means. None satisfies none of them."""


def relate(path: FieldPath, relation: Relation, wanted: object) -> Test:
    """Return the test that the relation holds; `wanted` may be the path of another field of the same record.

    A path that ends early satisfies no relation.
    """
    if isinstance(wanted, FieldPath):
        return _relate_two(path, relation, wanted)
    get = path.get
    if not path.is_nested:
        return lambda record: relation(get(record), wanted)

    def holds(record: object) -> bool:
        value = get(record)
        return value is not MISSING and relation(value, wanted)

    return holds


def _relate_two(path: FieldPath, relation: Relation, other: FieldPath) -> Test:
    def holds(record: object) -> bool:
        value, wanted = path.get(record), other.get(record)
        return value is not MISSING and wanted is not MISSING and relation(value, wanted)

    return holds
