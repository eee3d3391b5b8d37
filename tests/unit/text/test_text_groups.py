"""Groups of text models and the format of their names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.text_groups import (
    NameFormat,
    NameParts,
    compose_name,
    group_names,
    infer_name_format,
    size_in_billions,
)


def test_names_are_grouped_in_the_order_of_the_input() -> None:
    groups = group_names(["b/Foo-7B", "a/Bar-1B", "a/Foo-13B", "koboldcpp/Foo-7B"])
    assert list(groups.items()) == [
        ("Foo", ["b/Foo-7B", "a/Foo-13B", "koboldcpp/Foo-7B"]),
        ("Bar", ["a/Bar-1B"]),
    ]


def test_an_alias_is_replaced_by_its_canonical_group_once() -> None:
    groups = group_names(["a/Foo-7B", "a/Bar-7B"], {"Foo": "Bar", "Bar": "Baz"})
    assert groups == {"Bar": ["a/Foo-7B"], "Baz": ["a/Bar-7B"]}


@given(st.lists(st.text(max_size=20)))
def test_every_name_is_in_exactly_one_group(names: list[str]) -> None:
    groups = group_names(names)
    assert sorted(name for members in groups.values() for name in members) == sorted(names)


def test_no_names_have_the_default_format() -> None:
    assert infer_name_format([]) == NameFormat(
        separator="-",
        part_order=("base", "size", "variant", "version", "quant"),
        author_included=False,
        common_author=None,
        template="{base}-{size}",
    )


def test_the_format_follows_the_member_with_most_parts() -> None:
    found = infer_name_format(["acme/Foo-7B", "acme/Foo-Chat-7B-v1.0", "acme/Foo-13B-Chat-v2"])
    assert found.part_order == ("base", "variant", "size", "version")
    assert found.template == "{author}/{base}-{variant}-{size}-{version}"


def test_an_author_is_common_only_when_there_is_one() -> None:
    assert infer_name_format(["acme/Foo-7B", "Foo-1B"]).common_author == "acme"
    of_two = infer_name_format(["acme/Foo-7B", "other/Foo-7B"])
    assert (of_two.author_included, of_two.common_author) == (True, None)
    assert infer_name_format(["Foo-7B"]).author_included is False


@pytest.mark.parametrize(
    ("names", "separator"),
    [
        (["a_b-c/Foo_Bar-7B"], "-"),
        (["acme/Foo_Bar_7B"], "_"),
        (["Foo_Bar-7B"], "-"),
        (["Foo-7B-Q4_K_M", "Foo-Q4_K_S"], "-"),
        (["Foo"], "-"),
    ],
)
def test_the_separator_is_the_prevailing_one_outside_publishers_and_quants(
    names: list[str], separator: str
) -> None:
    assert infer_name_format(names).separator == separator


def test_a_base_that_is_no_contiguous_piece_is_left_out() -> None:
    assert infer_name_format(["Foo-7B-Bar"]).part_order == ("size",)


def test_extras_are_parts_of_the_format() -> None:
    found = infer_name_format(["acme/Foo-7B", "acme/4.2-Foo-7B-2407"])
    assert found.part_order == ("extra:LEADING_VERSION", "base", "size", "extra:DATE")
    assert found.extra_parts == ("LEADING_VERSION", "DATE")


def test_extras_of_every_member_are_listed() -> None:
    assert infer_name_format(["Foo-7B-Chat-v1", "Foo-2407"]).extra_parts == ("DATE",)


def test_a_name_is_composed_in_the_default_order() -> None:
    parts = NameParts(base="Foo", size="7B", variant="Chat", version="v1", quant="Q8_0", author="acme")
    assert compose_name(parts) == "acme/Foo-7B-Chat-v1-Q8_0"


@pytest.mark.parametrize(
    ("part_order", "name"),
    [
        (["size", "base"], "7B-Foo"),
        ([], "Foo-7B"),
        (None, "Foo-7B"),
        (["base", "base"], "Foo-Foo"),
        (["version", "unknown", "extra:DATE", "base"], "Foo"),
    ],
)
def test_a_name_is_composed_in_a_given_order(part_order: list[str] | None, name: str) -> None:
    assert compose_name(NameParts(base="Foo", size="7B"), part_order=part_order) == name


@pytest.mark.parametrize(
    ("separator", "name"), [("_", "Foo_7B"), ("", "Foo-7B"), (None, "Foo-7B"), (" ", "Foo 7B")]
)
def test_a_name_is_composed_with_a_given_separator(separator: str | None, name: str) -> None:
    assert compose_name(NameParts(base="Foo", size="7B"), separator=separator) == name


def test_empty_optional_parts_are_left_out_but_base_and_size_are_not() -> None:
    assert compose_name(NameParts(base="A", size="", variant="", version="", quant="", author="")) == "A-"
    assert compose_name(NameParts(base="", size="7B")) == "-7B"


@pytest.mark.parametrize(
    ("size", "billions"),
    [
        ("128K", 128e-6),
        ("560M", 0.56),
        ("7B", 7),
        ("1.5b", 1.5),
        ("8X22B", 176),
        ("7B1", 0),
        ("", 0),
        ("big", 0),
    ],
)
def test_sizes_have_a_magnitude(size: str, billions: float) -> None:
    assert size_in_billions(size) == pytest.approx(billions)
