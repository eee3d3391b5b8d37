"""The query builder (python-client.md section 7)."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Generic, NamedTuple, Self, TypeVar

from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.queries.conditions import checked_path, condition
from horde_model_reference.queries.field_paths import FieldPath, require_field
from horde_model_reference.queries.fields import FieldRef, OrderSpec, Predicate
from horde_model_reference.queries.pools import RecordPool
from horde_model_reference.queries.record_order import grouped, in_order
from horde_model_reference.queries.relations import Test
from horde_model_reference.queries.tags import all_of, any_of, none_of, wanted_tags
from horde_model_reference.source_consts import SourceOutcome

RecordT_co = TypeVar("RecordT_co", bound=GenericModelRecord, covariant=True)


class Plan(NamedTuple):
    """What a query does: choose by name, by tests, put in order, cut out a piece."""

    name: str | None = None
    tests: tuple[Test, ...] = ()
    order: tuple[FieldPath, bool] | None = None
    offset: int = 0
    limit: int | None = None


EVERYTHING = Plan()


class ModelQuery(Generic[RecordT_co]):
    """A question to the records of a category; nothing runs before one of the ends is called.

    Immutable: every step returns a new query of the same class. Where several sources have a name, it stands
    for the record of the first.
    """

    __slots__ = ("_plan", "_pool")

    def __init__(self, pool: RecordPool[RecordT_co], plan: Plan = EVERYTHING) -> None:
        self._pool = pool
        self._plan = plan

    # ---- conditions

    def where(self, /, *predicates: Callable[[RecordT_co], bool], **fields: object) -> Self:
        """Keep the records for which everything holds.

        `field=value` means equality, or membership for a value with items; `field__suffix=value` with one of
        lt, lte, gt, gte, ne, in, contains never holds for None. `__` leads into a field:
        `model_classification__domain="image"`. Raises `ValueError` for a field that the records do not have.
        """
        plan = self._plan
        name, tests = plan.name, plan.tests
        record_type = self._pool.record_type
        for predicate in predicates:
            tests = (*tests, self._checked(predicate))
        for keyword, wanted in fields.items():
            if keyword == "name" and name is None and isinstance(wanted, str):
                name = wanted
            else:
                tests = (*tests, condition(record_type, keyword, wanted))
        return type(self)(self._pool, Plan(name, tests, plan.order, plan.offset, plan.limit))

    def filter(self, condition: Callable[[RecordT_co], bool]) -> Self:
        """Keep the records for which a function holds."""
        return self.where(condition)

    def where_classification(self, *, domain: str | None = None, purpose: str | None = None) -> Self:
        """Keep the records of a domain, of a purpose, or of both."""
        wanted = {"model_classification__domain": domain, "model_classification__purpose": purpose}
        return self.where(**{path: value for path, value in wanted.items() if value is not None})

    def where_source(self, *source_ids: str) -> Self:
        """Look only at some of the sources; records that an earlier source overrides can be seen this way."""
        return type(self)(self._pool.restricted(source_ids), self._plan)

    def tags_any(self, tags: Iterable[str]) -> Self:
        """Keep the records with at least one of the tags. Raises `ValueError` if records have no tags."""
        return self._tagged(any_of, tags)

    def tags_all(self, tags: Iterable[str]) -> Self:
        """Keep the records that have tags, these among them. Raises `ValueError` if records have no tags."""
        return self._tagged(all_of, tags)

    def tags_none(self, tags: Iterable[str]) -> Self:
        """Keep the records with none of the tags. Raises `ValueError` if records have no tags."""
        return self._tagged(none_of, tags)

    # ---- order and slices

    def order_by(self, field: str | FieldRef | OrderSpec, *, descending: bool = False) -> Self:
        """Order by a field, what is not known last; an `OrderSpec` has its direction. The last call counts.

        Raises `ValueError` for a field that the records do not have.
        """
        order = field if isinstance(field, OrderSpec) else OrderSpec(_name_of(field), descending)
        path = checked_path(self._pool.record_type, order.field_name)
        return type(self)(self._pool, self._plan._replace(order=(path, order.descending)))

    def limit(self, n: int) -> Self:
        """Return at most n records."""
        return type(self)(self._pool, self._plan._replace(limit=_not_negative("limit", n)))

    def offset(self, n: int) -> Self:
        """Leave out the first n records."""
        return type(self)(self._pool, self._plan._replace(offset=_not_negative("offset", n)))

    # ---- ends

    def to_list(self) -> list[RecordT_co]:
        """Return the records."""
        return list(self._page())

    def first(self) -> RecordT_co | None:
        """Return the first record, None when there is none."""
        return next(self._page(), None)

    def count(self) -> int:
        """Return how many records there are, within limit and offset."""
        after_offset = max(0, len(list(self._chosen())) - self._plan.offset)
        limit = self._plan.limit
        return after_offset if limit is None else min(limit, after_offset)

    def distinct(self, field: str | FieldRef) -> list[Any]:
        """Return the values of a field in the order of appearance, each once; lists as tuples."""
        return list(self.group_by(field))

    def group_by(self, field: str | FieldRef) -> dict[Any, list[RecordT_co]]:
        """Return the records by the value of a field; lists become tuples.

        Raises `ValueError` for values that cannot be keys.
        """
        return grouped(self.to_list(), checked_path(self._pool.record_type, _name_of(field)))

    # ---- where the records come from

    def to_list_with_source(self) -> list[tuple[RecordT_co, str]]:
        """Return the records, each with the id of its source."""
        origins = self._pool.origins()
        return [(record, origins[id(record)]) for record in self._page()]

    def sources(self) -> list[str]:
        """Return the source of each record of `to_list`."""
        return [source for _, source in self.to_list_with_source()]

    def group_by_source(self) -> dict[str, list[RecordT_co]]:
        """Return the records by source."""
        groups: dict[str, list[RecordT_co]] = {}
        for record, source in self.to_list_with_source():
            groups.setdefault(source, []).append(record)
        return groups

    def duplicate_names(self) -> dict[str, list[str]]:
        """Return the names of the records that more than one source has, with these sources in order."""
        found = {record.name: self._pool.sources_of(record.name) for record in self._page()}
        return {name: sources for name, sources in found.items() if len(sources) > 1}

    def has_duplicate_names(self) -> bool:
        """Say whether `duplicate_names` finds any."""
        return bool(self.duplicate_names())

    def source_status(self) -> dict[str, SourceOutcome]:
        """Return what each source that was asked came to: ok, empty (it had nothing) or error."""
        return dict(self._pool.status)

    def failed_sources(self) -> list[str]:
        """Return the sources that failed."""
        return [source for source, outcome in self._pool.status.items() if outcome == SourceOutcome.error]

    # ---- inside

    def _chosen(self) -> Iterable[RecordT_co]:
        pool, plan = self._pool, self._plan
        records: Iterable[RecordT_co] = pool.records() if plan.name is None else pool.named(plan.name)
        for test in plan.tests:
            records = filter(test, records)
        return pool.settled(records)

    def _page(self) -> Iterator[RecordT_co]:
        plan = self._plan
        records = self._chosen()
        if plan.order is not None:
            records = in_order(records, plan.order[0], descending=plan.order[1])
        end = None if plan.limit is None else plan.offset + plan.limit
        return islice(records, plan.offset, end)

    def _checked(self, predicate: Callable[[RecordT_co], bool]) -> Test:
        if isinstance(predicate, Predicate):
            for field in predicate.fields:
                require_field(self._pool.record_type, field)
            return predicate.test
        if not callable(predicate):
            raise TypeError(
                f"a condition must be a predicate or another function of a record, not {predicate!r}"
            )
        return predicate

    def _tagged(self, make_test: Callable[[frozenset[str]], Test], tags: Iterable[str]) -> Self:
        require_field(self._pool.record_type, "tags")
        return self.where(make_test(wanted_tags(tags)))


def _name_of(field: str | FieldRef) -> str:
    return field.field_name if isinstance(field, FieldRef) else field


def _not_negative(what: str, n: int) -> int:
    if n < 0:
        raise ValueError(f"{what} must not be negative: {n}")
    return n
