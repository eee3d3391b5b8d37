"""What groups of text models have in common, and what is odd about them."""

from typing import Any

import pytest

from horde_model_reference.documents import Record
from horde_model_reference.text_group_health import health_issues
from horde_model_reference.text_group_views import (
    GroupView,
    common_fields,
    group_member,
    summarise_group,
    view_group,
    view_groups,
)
from support.text_models import a_text_record


def a_view(*names: str, **fields: Any) -> GroupView:
    return view_group("Foo", [group_member(name, a_text_record(name, **fields)) for name in names])


def test_groups_are_sorted_and_members_keep_the_order_of_the_source() -> None:
    records = {
        "b/Foo-7B": a_text_record("b/Foo-7B", text_model_group="Foo"),
        "a/Bar-7B": a_text_record("a/Bar-7B", text_model_group="Bar"),
        "a/Foo-7B": a_text_record("a/Foo-7B", text_model_group="Foo"),
        "a/none": a_text_record("a/none"),
    }
    views = view_groups(records)
    assert list(views) == ["Bar", "Foo"]
    assert [member.name for member in views["Foo"].members] == ["b/Foo-7B", "a/Foo-7B"]


def test_membership_is_the_stored_group_not_the_name() -> None:
    records = {"a/Foo-7B": a_text_record("a/Foo-7B", text_model_group="Elsewhere")}
    assert list(view_groups(records)) == ["Elsewhere"]


def test_a_member_is_parsed_with_its_publisher_and_without_its_prefix() -> None:
    member = group_member("koboldcpp/acme/Foo-7B", a_text_record())
    assert member.parsed.base_name == "acme/Foo"
    assert member.backend_prefix == "koboldcpp"
    assert member.is_backend_duplicate


def test_backend_duplicates_are_members_that_count_for_nothing_else() -> None:
    view = a_view("acme/Foo-7B", "koboldcpp/Foo-9B")
    assert (view.canonical_count, view.backend_duplicate_count) == (1, 1)
    assert len(view.members) == 2
    assert view.available_sizes == ("7B",)
    assert view.name_format.common_author == "acme"


def test_sizes_are_sorted_by_what_they_mean_without_a_gap_for_members_without_one() -> None:
    view = a_view("Foo-13B", "Foo", "Foo-560M", "Foo-8x22B", "Foo-1.5B", "Foo-13b")
    assert view.available_sizes == ("560M", "1.5B", "13B", "8X22B")
    assert view.size_usage == {"13B": 2, "560M": 1, "8X22B": 1, "1.5B": 1}


def test_other_parts_are_sorted_as_text_and_their_absence_comes_first() -> None:
    view = a_view("Foo-7B-v2-Q8_0", "Foo-7B-Instruct", "Foo-7B-Chat-v10", "Foo-7B-Chat-v1")
    assert view.available_variants == (None, "Chat", "Instruct")
    assert view.available_versions == (None, "v1", "v10", "v2")
    assert view.available_quants == (None, "Q8_0")
    assert (view.variant_usage, view.quant_usage) == ({"Chat": 2, "Instruct": 1}, {"Q8_0": 1})


def test_members_with_a_reason_are_exceptions() -> None:
    members = [
        group_member("acme/Foo-7B", a_text_record()),
        group_member("acme/FooX", a_text_record("acme/FooX", name_schema_exception="old")),
    ]
    assert view_group("Foo", members).exceptions == (("acme/FooX", "old"),)


def test_fields_are_common_when_all_agree_on_a_value() -> None:
    records = [
        a_text_record(baseline="b", url="u", tags=["x"], nsfw=False, style=""),
        a_text_record(baseline="b", url="v", tags=["x"], nsfw=False, style=""),
    ]
    assert common_fields(records) == {"baseline": "b", "nsfw": False, "tags": ["x"], "style": ""}
    assert common_fields([]) == {}


def test_a_field_that_one_lacks_is_not_common() -> None:
    assert common_fields([a_text_record(baseline="b"), a_text_record()]) == {}


def test_a_summary_counts_prefixed_entries_and_merges_values() -> None:
    entries: dict[str, Record] = {
        "acme/Foo-7B": {"baseline": "b", "nsfw": False, "tags": ["b", "a"], "description": ""},
        "koboldcpp/Foo-7B": {"baseline": "", "nsfw": True, "description": "d"},
        "acme/Foo-13B-Q4_0": {"baseline": "b", "tags": ["c", "a"]},
    }
    summary = summarise_group(entries)
    assert summary.member_count == 3
    assert summary.available_sizes == ("13B", "7B")
    assert summary.available_quants == ("Q4_0",)
    assert summary.common_baseline == "b"
    assert (summary.any_nsfw, summary.any_has_description) == (True, True)
    assert summary.merged_tags == ("a", "b", "c")
    assert summary.name_format.common_author == "acme"


def test_a_summary_of_different_baselines_has_none() -> None:
    entries: dict[str, Record] = {"Foo-1B": {"baseline": "a"}, "Foo-2B": {"baseline": "b"}}
    assert summarise_group(entries).common_baseline is None


def test_a_healthy_group_has_no_issues() -> None:
    record = a_text_record(baseline="b", description="d")
    assert health_issues("Foo", [record, dict(record)]) == ()


def test_issues_come_in_a_fixed_order() -> None:
    records = [
        a_text_record(baseline="a", description="d", nsfw=True),
        a_text_record(baseline="b", description=""),
        a_text_record(baseline=""),
    ]
    issues = health_issues("Foo", records)
    assert [(issue.issue_type, issue.severity) for issue in issues] == [
        ("inconsistent_baseline", "warning"),
        ("inconsistent_nsfw", "warning"),
        ("missing_baseline", "warning"),
        ("missing_description", "info"),
    ]
    assert {issue.group_name for issue in issues} == {"Foo"}
    assert issues[3].message.startswith("2 of 3")


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, ["singleton_group"]), (2, [])])
def test_a_group_of_one_is_a_singleton(count: int, expected: list[str]) -> None:
    record = a_text_record(baseline="b", description="d")
    assert [issue.issue_type for issue in health_issues("Foo", [record] * count)] == expected
