"""The builder against list comprehensions, over random records."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.gathered_records import GatheredRecords
from horde_model_reference.model_reference_records import GenericModelRecord, ImageGenerationModelRecord
from horde_model_reference.query import ModelQuery, query_for, query_over_all
from horde_model_reference.query_fields import FieldRef, Predicate
from horde_model_reference.source_consts import SourceOutcome
from support.queried_records import an_image_model

Record = ImageGenerationModelRecord
Holds = Callable[[Any], bool]

NAMES = st.sampled_from("abcdefgh")
BASELINES = st.sampled_from(["stable_diffusion_1", "stable_diffusion_xl", "flux_1"])
SIZES = st.none() | st.integers(0, 3)
SERIES = st.none() | st.builds(
    lambda version: {"name": "x", "version": version}, st.sampled_from([None, "1", "2"])
)
RECORDS = st.builds(
    an_image_model,
    name=NAMES,
    baseline=BASELINES,
    nsfw=st.booleans(),
    inpainting=st.none() | st.booleans(),
    tags=st.lists(st.sampled_from(["anime", "booru"]), unique=True),
    size_on_disk_bytes=SIZES,
    min_bridge_version=SIZES,
    finetune_series=SERIES,
)
REFERENCES = st.lists(RECORDS, max_size=8).map(lambda records: {record.name: record for record in records})
LAYERS = st.lists(REFERENCES, max_size=3)

ORDERINGS: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
FIELDS = st.sampled_from(["size_on_disk_bytes", "min_bridge_version"])


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as keywords, and what it means."""

    keywords: dict[str, object]
    holds: Holds


def keyword(name: str, value: object, holds: Holds) -> Condition:
    return Condition({name: value}, holds)


CONDITIONS = st.one_of(
    st.builds(lambda x: keyword("name", x, lambda r: r.name == x), NAMES),
    st.builds(lambda x: keyword("baseline", x, lambda r: r.baseline == x), BASELINES),
    st.builds(lambda x: keyword("inpainting", x, lambda r: r.inpainting is x), st.none() | st.booleans()),
    st.builds(lambda x: keyword("name", x, lambda r: r.name in x), st.sets(NAMES)),
    st.builds(
        lambda x: keyword("min_bridge_version", x, lambda r: r.min_bridge_version in x), st.lists(SIZES)
    ),
    st.builds(
        lambda x: keyword(
            "min_bridge_version__in",
            x,
            lambda r: r.min_bridge_version in x and r.min_bridge_version is not None,
        ),
        st.lists(SIZES),
    ),
    st.builds(
        lambda field, name, x: keyword(
            f"{field}__{name}",
            x,
            lambda r: getattr(r, field) is not None and ORDERINGS[name](getattr(r, field), x),
        ),
        FIELDS,
        st.sampled_from(sorted(ORDERINGS)),
        st.integers(0, 3),
    ),
    st.builds(
        lambda field, x: keyword(f"{field}__ne", x, lambda r: getattr(r, field) not in {None, x}),
        FIELDS,
        SIZES,
    ),
    st.builds(
        lambda x: keyword("tags__contains", x, lambda r: x in r.tags), st.sampled_from(["anime", "other"])
    ),
    st.builds(
        lambda x: keyword(
            "finetune_series__version",
            x,
            lambda r: r.finetune_series is not None and r.finetune_series.version == x,
        ),
        st.sampled_from([None, "1"]),
    ),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a query."""

    conditions: list[Condition]
    order: tuple[str, bool] | None
    offset: int
    limit: int | None

    def put_to(self, query: ModelQuery[GenericModelRecord]) -> ModelQuery[GenericModelRecord]:
        for condition in self.conditions:
            query = query.where(**condition.keywords)
        if self.order is not None:
            query = query.order_by(self.order[0], descending=self.order[1])
        return (
            query.offset(self.offset) if self.limit is None else query.limit(self.limit).offset(self.offset)
        )

    def chosen(self, records: list[Record]) -> list[Record]:
        return [record for record in records if all(condition.holds(record) for condition in self.conditions)]

    def page(self, records: list[Record]) -> list[Record]:
        if self.order is not None:
            field, descending = self.order
            known = [record for record in records if getattr(record, field) is not None]
            known.sort(key=lambda record: getattr(record, field), reverse=descending)
            records = known + [record for record in records if getattr(record, field) is None]
        return records[self.offset :][: self.limit]


ASKED = st.builds(
    Asked,
    st.lists(CONDITIONS, max_size=3),
    st.none()
    | st.tuples(st.sampled_from(["name", "size_on_disk_bytes", "tags", "inpainting"]), st.booleans()),
    st.integers(0, 4),
    st.none() | st.integers(0, 4),
)


def first_of_each_name(records: list[Record]) -> list[Record]:
    first: dict[str, Record] = {}
    for record in records:
        first.setdefault(record.name, record)
    return list(first.values())


def flat(layers: list[dict[str, Record]]) -> list[Record]:
    return [record for records in layers for record in records.values()]


def assert_found(query: ModelQuery[GenericModelRecord], expected: list[Record]) -> None:
    found = query.to_list()
    assert [id(record) for record in found] == [id(record) for record in expected]
    assert query.count() == len(expected)
    assert query.first() is (expected[0] if expected else None)
    assert query.distinct("size_on_disk_bytes") == list(dict.fromkeys(r.size_on_disk_bytes for r in expected))
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in expected:
        groups.setdefault(tuple(record.tags), []).append(record)
    assert query.group_by("tags") == groups


@given(LAYERS, ASKED)
def test_a_query_over_sources_finds_what_a_comprehension_over_the_merged_records_finds(
    layers: list[dict[str, Record]], asked: Asked
) -> None:
    ids = ["horde", "second", "third"][: len(layers)]
    gathered = GatheredRecords(tuple(zip(ids, layers, strict=True)), dict.fromkeys(ids, SourceOutcome.ok))
    query = asked.put_to(query_for("image_generation", gathered))
    expected = asked.page(asked.chosen(first_of_each_name(flat(layers))))
    assert_found(query, expected)
    for record, source in query.to_list_with_source():
        assert next(own for own, records in zip(ids, layers, strict=True) if record.name in records) == source
    assert query.duplicate_names() == {
        record.name: owners
        for record in expected
        if len(owners := [own for own, records in zip(ids, layers, strict=True) if record.name in records])
        > 1
    }


@given(LAYERS, st.sets(st.sampled_from(["horde", "second", "third"])), ASKED)
def test_a_query_of_chosen_sources_is_a_query_over_these_sources(
    layers: list[dict[str, Record]], chosen: set[str], asked: Asked
) -> None:
    given_layers = tuple(zip(["horde", "second", "third"], layers, strict=False))
    some = tuple(layer for layer in given_layers if layer[0] in chosen)
    over_all = query_for("image_generation", GatheredRecords(given_layers, {})).where_source(*chosen)
    over_some = query_for("image_generation", GatheredRecords(some, {}))
    assert asked.put_to(over_all).to_list_with_source() == asked.put_to(over_some).to_list_with_source()


COMMON_CONDITIONS = CONDITIONS.filter(
    lambda condition: (
        {word.split("__")[0] for word in condition.keywords} <= GenericModelRecord.model_fields.keys()
    )
)


@given(LAYERS, ASKED, st.lists(COMMON_CONDITIONS, max_size=3))
def test_a_query_over_categories_finds_what_a_comprehension_finds(
    layers: list[dict[str, Record]], asked: Asked, conditions: list[Condition]
) -> None:
    order = asked.order if asked.order and asked.order[0] in GenericModelRecord.model_fields else None
    asked = Asked(conditions, order, asked.offset, asked.limit)
    query = query_over_all({str(place): records for place, records in enumerate(layers)})
    expected = asked.page(first_of_each_name(asked.chosen(flat(layers))))
    found = asked.put_to(query)
    assert [id(record) for record in found.to_list()] == [id(record) for record in expected]
    assert found.count() == len(expected)


def comparison(field: str, sign: str, value: object) -> tuple[Predicate, Holds]:
    reference = FieldRef(field)
    match sign:
        case "==":
            return reference == value, lambda record: getattr(record, field) == value
        case "!=":
            return reference != value, lambda record: getattr(record, field) != value
        case _:
            compare = ORDERINGS[sign]
            holds: Holds = lambda record: (  # noqa: E731
                getattr(record, field) is not None
                and value is not None
                and compare(getattr(record, field), value)
            )
            predicate: Predicate = compare(reference, value)  # type: ignore[assignment]
            return predicate, holds


def both(left: tuple[Predicate, Holds], right: tuple[Predicate, Holds]) -> tuple[Predicate, Holds]:
    return left[0] & right[0], lambda record: left[1](record) and right[1](record)


def either(left: tuple[Predicate, Holds], right: tuple[Predicate, Holds]) -> tuple[Predicate, Holds]:
    return left[0] | right[0], lambda record: left[1](record) or right[1](record)


def negation(given_one: tuple[Predicate, Holds]) -> tuple[Predicate, Holds]:
    return ~given_one[0], lambda record: not given_one[1](record)


PREDICATES = st.recursive(
    st.builds(comparison, FIELDS, st.sampled_from(["==", "!=", *ORDERINGS]), SIZES),
    lambda inner: (
        st.builds(both, inner, inner) | st.builds(either, inner, inner) | st.builds(negation, inner)
    ),
    max_leaves=6,
)


@given(REFERENCES, PREDICATES)
def test_combined_predicates_hold_where_the_same_python_expression_holds(
    records: dict[str, Record], predicate: tuple[Predicate, Holds]
) -> None:
    query = query_for("image_generation", GatheredRecords((("horde", records),), {}))
    assert query.where(predicate[0]).to_list() == [
        record for record in records.values() if predicate[1](record)
    ]
