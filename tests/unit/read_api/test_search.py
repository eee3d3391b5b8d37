import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from read_api.domain.ranks import Ranks
from read_api.domain.records import StoredRecord
from read_api.domain.search import SearchQuery, check, search
from read_api.domain.search_table import (
    RecordFields,
    SearchTable,
    SearchTableBuilder,
    combine,
    rank_steps,
)
from service_kit.errors import RequestRefused
from service_kit.slices import run_now

Record = dict[str, Any]

IMAGE_FIELDS = RecordFields(
    keys={
        name: name
        for name in (
            "name",
            "version",
            "baseline",
            "nsfw",
            "inpainting",
            "tags",
            "config",
            "size_on_disk_bytes",
        )
    },
    defaults={"inpainting": False},
)
TEXT_FIELDS = RecordFields(
    keys={
        "name": "name",
        "nsfw": "nsfw",
        "tags": "tags",
        "baseline": "baseline",
        "parameters_count": "parameters",
    },
    defaults={"nsfw": False},
)
PLAIN_FIELDS = RecordFields(keys={"name": "name", "version": "version"}, defaults={})


def a_table(
    *records: Record,
    category: str = "image_generation",
    fields: RecordFields = IMAGE_FIELDS,
    quantized: frozenset[str] = frozenset(),
) -> SearchTable:
    builder = SearchTableBuilder(category, fields)
    for record in records:
        body = json.dumps(record).encode()
        builder.add(StoredRecord(record["name"], record, body), quantized=record["name"] in quantized)
    return builder.finish()


def a_text_table(*records: Record, quantized: frozenset[str] = frozenset()) -> SearchTable:
    return a_table(*records, category="text_generation", fields=TEXT_FIELDS, quantized=quantized)


def answer(table: SearchTable, **conditions: Any) -> dict[str, Any]:
    query = SearchQuery(**conditions)
    check(query, table)
    ranks: dict[str, Ranks] = run_now(rank_steps(table))
    result: dict[str, Any] = json.loads(search(table, query, ranks))
    return result


def found(table: SearchTable, **conditions: Any) -> list[str]:
    return [record["name"] for record in answer(table, **conditions)["results"]]


def test_without_conditions_all_records_come_in_source_order() -> None:
    table = a_table({"name": "b"}, {"name": "a"})

    assert answer(table) == {
        "results": [{"name": "b"}, {"name": "a"}],
        "total": 2,
        "offset": 0,
        "limit": 50,
        "has_more": False,
    }


@pytest.mark.parametrize(
    ("offset", "limit", "names", "has_more"),
    [
        (0, 2, ["0", "1"], True),
        (2, 2, ["2", "3"], True),
        (3, 2, ["3", "4"], False),
        (5, 2, [], False),
        (10**30, 500, [], False),
    ],
)
def test_paging_cuts_a_window_and_tells_whether_more_follow(
    offset: int, limit: int, names: list[str], has_more: bool
) -> None:
    table = a_table(*({"name": str(number)} for number in range(5)))

    page = answer(table, offset=offset, limit=limit)

    assert [record["name"] for record in page["results"]] == names
    assert (page["total"], page["offset"], page["limit"], page["has_more"]) == (5, offset, limit, has_more)


def test_conditions_are_joined_by_and() -> None:
    table = a_table(
        {"name": "one", "baseline": "x", "nsfw": True},
        {"name": "two", "baseline": "x", "nsfw": False},
        {"name": "three", "baseline": "y", "nsfw": False},
    )

    assert found(table, baseline="x", nsfw=False) == ["two"]


def test_an_absent_truth_value_counts_as_its_default() -> None:
    table = a_table({"name": "plain"}, {"name": "filling", "inpainting": True})

    assert found(table, inpainting=False) == ["plain"]
    assert found(table, inpainting=True) == ["filling"]


def test_an_absent_field_without_default_matches_no_value() -> None:
    table = a_table({"name": "a"})

    assert found(table, nsfw=False) == []
    assert found(table, baseline="") == []


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        ({"tags_any": ("anime", "booru")}, ["a", "ab", "b"]),
        ({"tags_any": ("nope",)}, []),
        ({"tags_all": ("anime", "booru")}, ["ab"]),
        ({"tags_all": ("anime", "nope")}, []),
        ({"tags_none": ("anime",)}, ["b", "none", "null"]),
        ({"tags_any": ("anime",), "tags_none": ("booru",)}, ["a"]),
        ({"tags_any": ("Anime",)}, []),
        ({"tags_any": ("",)}, []),
    ],
)
def test_tags_are_compared_exactly(conditions: dict[str, Any], names: list[str]) -> None:
    table = a_table(
        {"name": "a", "tags": ["anime"]},
        {"name": "ab", "tags": ["anime", "booru", "anime"]},
        {"name": "b", "tags": ["booru"]},
        {"name": "none"},
        {"name": "null", "tags": None},
    )

    assert found(table, **conditions) == names


def test_part_of_the_name_is_found_in_any_letter_case_without_wildcards() -> None:
    table = a_table({"name": "Big.XL"}, {"name": "small"}, {"name": "bigXxl"})

    assert found(table, name_contains="BIG") == ["Big.XL", "bigXxl"]
    assert found(table, name_contains="g.x") == ["Big.XL"]
    assert found(table, name_contains="") == ["Big.XL", "small", "bigXxl"]


def test_the_second_record_of_a_name_is_left_out() -> None:
    first, second = {"name": "same", "version": "1"}, {"name": "same", "version": "2"}

    assert answer(a_table(first, second))["results"] == [first]


def test_missing_values_are_last_ascending_and_first_descending_and_equals_keep_their_order() -> None:
    table = a_table(
        {"name": "n1", "version": None},
        {"name": "b1", "version": "b"},
        {"name": "a", "version": "a"},
        {"name": "n2"},
        {"name": "b2", "version": "b"},
        {"name": "B", "version": "B"},
        {"name": "empty", "version": ""},
    )

    assert found(table, sort_by="version") == ["empty", "B", "a", "b1", "b2", "n1", "n2"]
    assert found(table, sort_by="version", sort_desc=True) == ["n1", "n2", "b1", "b2", "a", "B", "empty"]


def test_lists_sort_element_by_element_and_false_before_true() -> None:
    table = a_table(
        {"name": "2", "tags": ["b"], "nsfw": True},
        {"name": "1", "tags": ["a", "z"], "nsfw": False},
        {"name": "0", "tags": [], "nsfw": True},
    )

    assert found(table, sort_by="tags") == ["0", "1", "2"]
    assert found(table, sort_by="nsfw") == ["1", "2", "0"]


def test_values_that_cannot_be_compared_refuse_only_where_they_differ() -> None:
    table = a_table(
        {"name": "a", "config": {"x": 1}},
        {"name": "b", "config": {"x": 1}},
        {"name": "other", "config": {"x": 2}},
        {"name": "null"},
    )

    assert found(table, sort_by="config", name_contains="a") == ["a"]
    assert found(table, sort_by="config", name_contains="b") == ["b"]
    with pytest.raises(RequestRefused, match="config"):
        answer(table, sort_by="config")


@pytest.mark.parametrize(
    ("conditions", "word"),
    [
        ({"nsfw": True}, "nsfw"),
        ({"baseline": "x"}, "baseline"),
        ({"inpainting": False}, "inpainting"),
        ({"tags_none": ("x",)}, "tags"),
        ({"sort_by": "nsfw"}, "nsfw"),
        ({"sort_by": ""}, "sort"),
        ({"sort_by": "__class__"}, "__class__"),
        ({"sort_by": "name__upper"}, "name__upper"),
        ({"source": "Horde"}, "Horde"),
        ({"source": ""}, "source"),
    ],
)
def test_a_condition_on_a_field_that_the_records_lack_is_refused(
    conditions: dict[str, Any], word: str
) -> None:
    table = a_table({"name": "a"}, category="clip", fields=PLAIN_FIELDS)

    with pytest.raises(RequestRefused, match=word):
        answer(table, **conditions)


def test_backend_conditions_count_for_text_models_only() -> None:
    names = ({"name": "x/A-7B"}, {"name": "koboldcpp/A-7B"}, {"name": "aphrodite/x/A-7B"})
    text, image = a_text_table(*names), a_table(*names)

    assert found(text, backend="koboldcpp") == ["koboldcpp/A-7B"]
    assert found(text, exclude_backend_variations=True) == ["x/A-7B"]
    assert len(found(image, backend="bogus", exclude_backend_variations=True, quantized=True)) == 3
    with pytest.raises(RequestRefused, match="bogus"):
        answer(text, backend="bogus")


def test_quantized_selects_by_what_the_name_says() -> None:
    table = a_text_table({"name": "A-Q4_0"}, {"name": "B"}, quantized=frozenset({"A-Q4_0"}))

    assert found(table, quantized=True) == ["A-Q4_0"]
    assert found(table, quantized=False) == ["B"]


def test_a_text_record_also_says_parameters_count_and_sorts_by_it() -> None:
    table = a_text_table({"name": "big", "parameters": 10**30}, {"name": "small", "parameters": 5})

    results = answer(table, sort_by="parameters_count")["results"]

    assert [(one["name"], one["parameters_count"]) for one in results] == [("small", 5), ("big", 10**30)]
    with pytest.raises(RequestRefused, match="parameters"):
        answer(table, sort_by="parameters")


def test_the_table_of_all_categories_keeps_their_order_and_common_fields() -> None:
    image = a_table({"name": "i", "nsfw": True, "tags": ["t"]}, {"name": "j", "tags": ["t"]})
    clip = a_table({"name": "c", "version": "1"}, category="clip", fields=PLAIN_FIELDS)
    text = a_text_table({"name": "i", "parameters": 1, "tags": ["u", "t"]})
    everything = combine([image, clip, text], PLAIN_FIELDS)

    assert found(everything) == ["i", "j", "c", "i"]
    assert found(everything, tags_any=("t",)) == ["i", "j", "i"]
    assert found(everything, tags_none=("t",)) == ["c"]
    assert found(everything, nsfw=True) == ["i"]
    assert found(everything, nsfw=False) == ["i"]
    assert found(everything, sort_by="version") == ["c", "i", "j", "i"]
    assert answer(everything)["results"][-1]["parameters_count"] == 1
    with pytest.raises(RequestRefused, match="baseline"):
        answer(everything, sort_by="baseline")


texts = st.sampled_from(["", "a", "B", "ab", "é", "🜁"])
records = st.lists(
    st.fixed_dictionaries(
        {"name": st.text("abCD/", min_size=1, max_size=3)},
        optional={
            "version": st.none() | texts,
            "baseline": texts,
            "nsfw": st.booleans(),
            "inpainting": st.booleans(),
            "tags": st.none() | st.lists(texts, max_size=3),
            "size_on_disk_bytes": st.none() | st.integers(-2, 3),
        },
    ),
    max_size=12,
)
queries = st.fixed_dictionaries(
    {},
    optional={
        "nsfw": st.booleans(),
        "baseline": texts,
        "inpainting": st.booleans(),
        "tags_any": st.lists(texts, max_size=2).map(tuple),
        "tags_all": st.lists(texts, max_size=2).map(tuple),
        "tags_none": st.lists(texts, max_size=2).map(tuple),
        "name_contains": st.text("abcD/", max_size=2),
        "sort_by": st.sampled_from(["name", "version", "baseline", "nsfw", "tags", "size_on_disk_bytes"]),
        "sort_desc": st.booleans(),
        "limit": st.integers(1, 5),
        "offset": st.integers(0, 12),
    },
)


def naive(given_records: list[Record], query: SearchQuery) -> dict[str, Any]:
    """The rules of http-read-api.md section 6, one record at a time."""
    distinct: dict[str, Record] = {}
    for record in given_records:
        distinct.setdefault(record["name"], record)
    rows = [record for record in distinct.values() if naively_matches(record, query)]
    if (name := query.sort_by) is not None:
        present = [row for row in rows if row.get(name) is not None]
        missing = [row for row in rows if row.get(name) is None]
        present.sort(key=lambda row: row[name], reverse=query.sort_desc)
        rows = missing + present if query.sort_desc else present + missing
    end = query.offset + query.limit
    return {
        "results": rows[query.offset : end],
        "total": len(rows),
        "offset": query.offset,
        "limit": query.limit,
        "has_more": end < len(rows),
    }


def naively_matches(record: Record, query: SearchQuery) -> bool:
    tags = set(record.get("tags") or [])
    return all(
        [
            query.nsfw is None or record.get("nsfw") == query.nsfw,
            query.baseline is None or record.get("baseline") == query.baseline,
            query.inpainting is None or record.get("inpainting", False) == query.inpainting,
            not query.tags_any or bool(tags & set(query.tags_any)),
            not query.tags_all or tags >= set(query.tags_all),
            not tags & set(query.tags_none),
            (query.name_contains or "").lower() in record["name"].lower(),
        ]
    )


@given(records, queries)
def test_search_agrees_with_the_naive_reading_of_the_rules(
    given_records: list[Record], conditions: dict[str, Any]
) -> None:
    query = SearchQuery(**conditions)

    assert answer(a_table(*given_records), **conditions) == naive(given_records, query)
