"""Figures about the records of a category (statistics.md section 2)."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.domain.category_statistics import category_statistics
from support.judged_models import IMAGE, TEXT, with_files


def statistics(
    category: str, *records: dict[str, Any], families: dict[str, str] | None = None
) -> dict[str, Any]:
    named = {f"model {place}": record for place, record in enumerate(records)}
    return category_statistics(category, named, computed_at=7, families=families)


def test_a_category_without_records_has_zeros() -> None:
    assert category_statistics(IMAGE, {}, computed_at=7) == {
        "category": IMAGE,
        "total_models": 0,
        "returned_models": 0,
        "offset": 0,
        "limit": None,
        "nsfw_count": 0,
        "baseline_distribution": {},
        "download_stats": {
            "total_models_with_downloads": 0,
            "total_download_entries": 0,
            "total_size_bytes": 0,
            "models_with_size_info": 0,
            "average_size_bytes": 0.0,
            "hosts": {},
        },
        "top_tags": [],
        "top_styles": [],
        "parameter_buckets": [],
        "models_without_param_info": 0,
        "models_with_trigger_words": 0,
        "models_with_inpainting": 0,
        "models_with_requirements": 0,
        "models_with_showcases": 0,
        "computed_at": 7,
    }


def test_baselines_come_by_count_and_among_equals_by_occurrence() -> None:
    baselines = ["b", "a", "c", "c", "", None]
    found = statistics(IMAGE, *({"baseline": one} for one in baselines))["baseline_distribution"]
    assert list(found) == ["c", "b", "a"]
    assert found["c"] == {"baseline": "c", "count": 2, "percentage": 33.33}


def test_at_most_twenty_tags_and_styles_are_listed() -> None:
    records = [{"tags": [f"tag {n}", "common", ""], "style": f"style {n}"} for n in range(25)]
    found = statistics(IMAGE, *records)
    assert [one["tag"] for one in found["top_tags"]] == ["common", *(f"tag {n}" for n in range(19))]
    assert found["top_tags"][0] == {"tag": "common", "count": 25, "percentage": 100.0}
    assert [one["tag"] for one in found["top_styles"]] == [f"style {n}" for n in range(20)]


def test_a_tag_that_stands_twice_in_a_record_counts_once() -> None:
    assert statistics(IMAGE, {"tags": ["a", "a"]})["top_tags"] == [
        {"tag": "a", "count": 1, "percentage": 100.0}
    ]


def test_only_true_counts_as_not_safe_for_work() -> None:
    assert statistics(IMAGE, {"nsfw": True}, {"nsfw": False}, {"nsfw": "yes"}, {})["nsfw_count"] == 1


def test_files_are_counted_with_their_hosts_and_sizes() -> None:
    found = statistics(
        IMAGE,
        {**with_files("https://a.org/1", "https://b.org:8/2"), "size_on_disk_bytes": 10},
        {**with_files("https://B.org:8/3", "", "mailto:c"), "size_on_disk_bytes": 5},
        {**with_files(), "size_on_disk_bytes": 0},
    )["download_stats"]
    assert found == {
        "total_models_with_downloads": 2,
        "total_download_entries": 5,
        "total_size_bytes": 15,
        "models_with_size_info": 2,
        "average_size_bytes": 7.5,
        "hosts": {"b.org:8": 2, "a.org": 1},
    }
    assert list(found["hosts"]) == ["b.org:8", "a.org"]


@pytest.mark.parametrize(
    ("parameters", "label"),
    [
        (1, "< 3B"),
        (2_999_999_999, "< 3B"),
        (3_000_000_000, "3B-6B"),
        (6_000_000_000, "6B-9B"),
        (9_000_000_000, "9B-13B"),
        (13_000_000_000, "13B-20B"),
        (20_000_000_000, "20B-35B"),
        (35_000_000_000, "35B-70B"),
        (69_999_999_999, "35B-70B"),
        (70_000_000_000, "> 70B"),
    ],
)
def test_a_text_model_is_in_the_bucket_whose_lower_end_it_reaches(parameters: int, label: str) -> None:
    found = statistics(TEXT, {"parameters": parameters})
    assert [one["bucket_label"] for one in found["parameter_buckets"]] == [label]
    assert found["models_without_param_info"] == 0


def test_buckets_come_in_order_with_their_ends() -> None:
    records = [{"parameters": size} for size in (80e9, 1e9, 1e9)]
    assert statistics(TEXT, *records)["parameter_buckets"] == [
        {
            "bucket_label": "< 3B",
            "min_params": 0,
            "max_params": 3_000_000_000,
            "count": 2,
            "percentage": 66.67,
        },
        {
            "bucket_label": "> 70B",
            "min_params": 70_000_000_000,
            "max_params": None,
            "count": 1,
            "percentage": 33.33,
        },
    ]


def test_a_text_model_without_a_positive_size_is_in_no_bucket() -> None:
    found = statistics(
        TEXT, {}, {"parameters": 0}, {"parameters": -1}, {"parameters": "7B"}, {"parameters": True}
    )
    assert found["parameter_buckets"] == []
    assert found["models_without_param_info"] == 5


def test_only_text_models_have_parameters() -> None:
    found = statistics(IMAGE, {"parameters": 7_000_000_000}, {})
    assert (found["parameter_buckets"], found["models_without_param_info"]) == ([], 0)


IMAGE_EXTRAS = {
    "trigger": ["word"],
    "inpainting": True,
    "requirements": {"min_steps": 1},
    "showcases": ["url"],
}


@pytest.mark.parametrize(("category", "count"), [(IMAGE, 1), ("miscellaneous", 0)])
def test_what_only_image_models_have_counts_for_no_others(category: str, count: int) -> None:
    nothing = {"trigger": [], "inpainting": False, "requirements": {}, "showcases": []}
    found = statistics(category, IMAGE_EXTRAS, nothing)
    assert found["models_with_trigger_words"] == count
    assert found["models_with_inpainting"] == count
    assert found["models_with_requirements"] == count
    assert found["models_with_showcases"] == 1


FAMILIES = {"model 0": "Family", "model 1": "Family", "model 2": "Other"}


def test_a_family_counts_once_with_what_any_member_has() -> None:
    found = statistics(
        TEXT,
        {"nsfw": False, "baseline": "a", "tags": ["x", "y"], "style": "chat", "parameters": 1e9},
        {"nsfw": True, "baseline": "b", "tags": ["y", "z"], "style": "chat", "parameters": 8e9},
        {"nsfw": False, "baseline": "a", "tags": [], "style": "code", "parameters": 1e9},
        families=FAMILIES,
    )
    assert (found["total_models"], found["returned_models"], found["nsfw_count"]) == (2, 2, 1)
    assert {one: value["count"] for one, value in found["baseline_distribution"].items()} == {"a": 2, "b": 1}
    assert {one["tag"]: one["count"] for one in found["top_tags"]} == {"x": 1, "y": 1, "z": 1}
    assert {one["tag"]: one["count"] for one in found["top_styles"]} == {"chat": 1, "code": 1}
    assert [one["bucket_label"] for one in found["parameter_buckets"]] == ["< 3B", "6B-9B"]


def test_a_family_keeps_the_files_of_all_members() -> None:
    found = statistics(
        TEXT,
        {**with_files("https://a.org/1"), "size_on_disk_bytes": 10},
        {**with_files("https://a.org/2", "https://b.org/3"), "size_on_disk_bytes": 20},
        {},
        families=FAMILIES,
    )["download_stats"]
    assert found == {
        "total_models_with_downloads": 1,
        "total_download_entries": 3,
        "total_size_bytes": 30,
        "models_with_size_info": 1,
        "average_size_bytes": 30.0,
        "hosts": {"a.org": 2, "b.org": 1},
    }


def test_a_family_without_any_size_has_none() -> None:
    assert statistics(TEXT, {}, {}, {}, families=FAMILIES)["models_without_param_info"] == 2


def test_families_have_no_effect_on_other_categories() -> None:
    records = [{"baseline": "a"}, {"baseline": "a"}, {"baseline": "a"}]
    assert statistics(IMAGE, *records, families=FAMILIES) == statistics(IMAGE, *records)


names = st.sampled_from(["a", "b", "c"])
text_records = st.fixed_dictionaries(
    {},
    optional={
        "tags": st.lists(names),
        "style": names,
        "baseline": names,
        "nsfw": st.booleans(),
        "parameters": st.integers(0, 10**11),
        "config": st.just({"download": [{"file_url": "https://a.org/1"}]}),
    },
)


@given(st.dictionaries(st.text("xyz", max_size=2), text_records), st.booleans())
def test_statistics_add_up_and_leave_the_records_alone(records: dict[str, Any], is_grouped: bool) -> None:
    before = copy.deepcopy(records)
    families = {name: name[:1] for name in records} if is_grouped else None
    found = category_statistics(TEXT, records, computed_at=0, families=families)
    in_buckets = sum(one["count"] for one in found["parameter_buckets"])
    assert records == before
    assert in_buckets + found["models_without_param_info"] == found["total_models"]
    assert found["total_models"] == len(set(families.values()) if families is not None else records)
    assert all(one["count"] <= found["total_models"] for one in found["top_tags"] + found["top_styles"])


@given(st.dictionaries(st.text("xyz", max_size=2), text_records))
def test_families_of_one_member_change_nothing(records: dict[str, Any]) -> None:
    alone = {name: f"family of {name}" for name in records}
    grouped = category_statistics(TEXT, records, computed_at=0, families=alone)
    assert grouped == category_statistics(TEXT, records, computed_at=0)
