"""Families are suggested from common beginnings of group names."""

from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.text_families import Family, suggest_families

group_lists = st.lists(
    st.lists(st.sampled_from(["ab", "abc", "x", "Foo", ""]), min_size=1, max_size=4).map("-".join)
)


def test_groups_with_a_common_beginning_are_a_family() -> None:
    found = suggest_families(["Foo-B", "Bar", "Foo-A"])
    assert found.suggestions == (Family("Foo", ("Foo-A", "Foo-B")),)
    assert (found.total_groups_analyzed, found.groups_in_families, found.standalone_groups) == (3, 2, 1)


def test_a_group_that_equals_the_beginning_is_no_member() -> None:
    assert suggest_families(["Foo", "Foo-A"]).suggestions == ()


def test_the_longest_beginning_claims_its_groups_first() -> None:
    found = suggest_families(["Foo-Bar-1", "Foo-Bar-2", "Foo-A", "Foo-B", "Foo-Bar"])
    assert found.suggestions == (
        Family("Foo", ("Foo-A", "Foo-B", "Foo-Bar")),
        Family("Foo-Bar", ("Foo-Bar-1", "Foo-Bar-2")),
    )


def test_a_beginning_counts_from_three_characters_without_its_hyphen() -> None:
    groups = ["L3-A", "L3-B", "GPT-A", "GPT-B"]
    assert [family.family_name for family in suggest_families(groups).suggestions] == ["GPT"]
    both = suggest_families(groups, min_prefix_length=2).suggestions
    assert [family.family_name for family in both] == ["GPT", "L3"]


def test_small_families_are_left_out() -> None:
    groups = ["Foo-A", "Foo-B", "Foo-C", "Bar-A", "Bar-B"]
    found = suggest_families(groups, min_family_size=3)
    assert [family.family_name for family in found.suggestions] == ["Foo"]
    assert found.standalone_groups == 2


@given(group_lists, st.integers(2, 4), st.integers(2, 4))
def test_families_are_disjoint_sorted_and_large_enough(groups: list[str], length: int, size: int) -> None:
    found = suggest_families(groups, min_prefix_length=length, min_family_size=size)
    members = [member for family in found.suggestions for member in family.members]
    assert len(members) == len(set(members)) == found.groups_in_families
    assert [family.family_name for family in found.suggestions] == sorted(
        family.family_name for family in found.suggestions
    )
    for family in found.suggestions:
        assert len(family.members) >= size
        assert len(family.family_name) >= length
        assert all(member.startswith(f"{family.family_name}-") for member in family.members)


@given(group_lists)
def test_the_order_of_the_groups_does_not_matter(groups: list[str]) -> None:
    assert suggest_families(groups) == suggest_families(reversed(groups))
