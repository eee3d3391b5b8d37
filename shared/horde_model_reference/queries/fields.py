"""Fields as objects, the predicates that their comparisons make, and orders (python-client.md section 7)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from horde_model_reference.queries.field_paths import FieldPath, parse_path
from horde_model_reference.queries.relations import (
    Relation,
    Test,
    contains,
    differs,
    equal,
    greater,
    greater_or_equal,
    identical,
    is_one_of,
    less,
    less_or_equal,
    not_identical,
    options_of,
    plain,
    relate,
)


class Predicate:
    """A condition on records, made by comparing a field or of any function; `&`, `|` and `~` combine them.

    `fields` are the fields that records must have to be tested at all.
    """

    __slots__ = ("fields", "test")

    def __init__(self, test: Test, fields: Iterable[str] = ()) -> None:
        self.test = test
        self.fields = frozenset(fields)

    def __call__(self, record: Any, /) -> bool:  # noqa: ANN401 - the class of a record is the query's business
        """Say whether the condition holds for a record."""
        return bool(self.test(record))

    def __and__(self, other: Callable[[Any], bool]) -> "Predicate":
        test, also = self.test, _test_in(other)
        return Predicate(lambda record: test(record) and also(record), self.fields | _fields_in(other))

    def __or__(self, other: Callable[[Any], bool]) -> "Predicate":
        test, instead = self.test, _test_in(other)
        return Predicate(lambda record: test(record) or instead(record), self.fields | _fields_in(other))

    def __invert__(self) -> "Predicate":
        test = self.test
        return Predicate(lambda record: not test(record), self.fields)

    def __bool__(self) -> bool:
        """Refuse: `a and b`, `not a` and `1 < a < 2` would quietly lose a condition."""
        raise TypeError(
            "a predicate has no truth value; combine predicates with & | ~ instead of and, or, not"
        )


class _SameValue(Predicate):
    """Two fields hold equal values. Its truth value lets fields be members of sets and keys of mappings."""

    __slots__ = ("_same_field",)

    def __init__(self, left: FieldPath, right: FieldPath) -> None:
        super().__init__(relate(left, equal, right), (left.field, right.field))
        self._same_field = left.text == right.text

    def __bool__(self) -> bool:
        """Say whether both are the same field."""
        return self._same_field


@dataclass(frozen=True, slots=True)
class OrderSpec:
    """A field and the direction in which it orders records."""

    field_name: str
    descending: bool = False


class FieldRef:
    """A field of records; comparing it makes a predicate. The name may be a path: `finetune_series__name`."""

    __slots__ = ("path",)

    def __init__(self, field_name: str) -> None:
        self.path = parse_path(field_name)

    @property
    def field_name(self) -> str:
        """The name, as it was given."""
        return self.path.text

    def __repr__(self) -> str:
        return f"FieldRef({self.field_name!r})"

    def __hash__(self) -> int:
        return hash((FieldRef, self.path.text))

    def __eq__(self, other: object) -> Predicate:  # type: ignore[override] # a comparison is a predicate
        if isinstance(other, FieldRef):
            return _SameValue(self.path, other.path)
        return self._related(equal, other)

    def __ne__(self, other: object) -> Predicate:  # type: ignore[override] # a comparison is a predicate
        return self._related(differs, other)

    def __lt__(self, other: object) -> Predicate:
        return self._related(less, other)

    def __le__(self, other: object) -> Predicate:
        return self._related(less_or_equal, other)

    def __gt__(self, other: object) -> Predicate:
        return self._related(greater, other)

    def __ge__(self, other: object) -> Predicate:
        return self._related(greater_or_equal, other)

    def contains(self, item: object) -> Predicate:
        """Hold for lists with that item."""
        return self._related(contains, item)

    def is_in(self, values: Iterable[object]) -> Predicate:
        """Hold for any of the values, None included. Raises `ValueError` for a text."""
        if isinstance(values, str | bytes):
            raise ValueError(f"is_in needs several values, not the text {values!r}")  # noqa: TRY004 - as `__in` does
        return self._related(is_one_of, options_of(values))

    def is_none(self) -> Predicate:
        """Hold where nothing is known."""
        return self._related(identical, None)

    def is_not_none(self) -> Predicate:
        """Hold where something is known."""
        return self._related(not_identical, None)

    def is_true(self) -> Predicate:
        """Hold for True only."""
        return self._related(identical, True)

    def is_false(self) -> Predicate:
        """Hold for False, not for None."""
        return self._related(identical, False)

    def asc(self) -> OrderSpec:
        """Order by this field, the smallest first."""
        return OrderSpec(self.field_name)

    def desc(self) -> OrderSpec:
        """Order by this field, the largest first."""
        return OrderSpec(self.field_name, descending=True)

    def _related(self, relation: Relation, wanted: object) -> Predicate:
        if isinstance(wanted, FieldRef):
            return Predicate(relate(self.path, relation, wanted.path), (self.path.field, wanted.path.field))
        return Predicate(relate(self.path, relation, plain(wanted)), (self.path.field,))


def _test_in(condition: Callable[[Any], bool]) -> Test:
    return condition.test if isinstance(condition, Predicate) else condition


def _fields_in(condition: Callable[[Any], bool]) -> frozenset[str]:
    return condition.fields if isinstance(condition, Predicate) else frozenset()
