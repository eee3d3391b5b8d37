"""Names of text models are taken apart by the rules of data-model.md section 8."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.text_names import (
    ExtraPartType,
    NameExtra,
    default_display_name,
    established_group_of,
    group_of,
    is_quantized,
    model_name_of,
    normalized_name,
    parse_text_name,
    publisher_of,
    without_quants,
)

NAME_PIECES = (
    *("Llama", "8x22B", "7B", "1.5b", "v2", "V0.1", "Q4_K_M", "q8_0", "GGUF", "Instruct", "chat", "2407"),
    *("08-2024", "4.2.0-", "acme/", "aphrodite/", "koboldcpp/", "-", "_", ".", " ", "--", "x", "ß", "模型"),
    *("\u0660", "🦙", "\n"),
)
names = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(NAME_PIECES), max_size=9).map("".join))


@pytest.mark.parametrize(
    ("name", "size", "base"),
    [
        ("Foo-7B", "7B", "Foo"),
        ("Foo-1.5b-it", "1.5B", "Foo-it"),
        ("bloom-560m", "560M", "bloom"),
        ("bloom-7b1", "7B1", "bloom"),
        ("Phi-128K", "128K", "Phi"),
        ("Mixtral-8x7B", "8X7B", "Mixtral"),
        ("bloom-7b12a", "7B1", "bloom-2a"),
        ("Foo-A3B", None, "Foo-A3B"),
        ("Foo-E4B", None, "Foo-E4B"),
        ("Foo-7BB", None, "Foo-7BB"),
        ("Foo-7Bv2", None, "Foo-7Bv2"),
        ("Foo-A22B", "2B", "Foo-A2"),
        ("Foo-30B-A3B", "30B", "Foo-A3B"),
        ("Foo-1.2.3B", "2.3B", "Foo-1"),
        ("Foo(7B)", "7B", "Foo()"),
        ("7B", "7B", "7B"),
    ],
)
def test_a_size_is_cut_out_and_written_in_upper_case(name: str, size: str | None, base: str) -> None:
    parsed = parse_text_name(name)
    assert (parsed.size, parsed.base_name) == (size, base)


@pytest.mark.parametrize("name", ["Mixtral-8x22B", "Mixtral-16x141b-v0.1", "70B-of-12x34M", "L38x22B"])
def test_experts_with_two_digits_are_one_size(name: str) -> None:
    sizes = {"8X22B", "16X141B", "12X34M"}
    assert parse_text_name(name).size in sizes


@given(experts=st.integers(1, 999), each=st.integers(1, 9999), unit=st.sampled_from("bBmMkK"))
def test_any_experts_size_is_found_whole(experts: int, each: int, unit: str) -> None:
    parsed = parse_text_name(f"acme/Mix-{experts}x{each}{unit}-v1")
    assert (parsed.size, parsed.base_name) == (f"{experts}X{each}{unit.upper()}", "acme/Mix")


@pytest.mark.parametrize(
    ("name", "version", "base"),
    [
        ("Foo-v2", "v2", "Foo"),
        ("Foo-V0.420", "V0.420", "Foo"),
        ("Foo-v1.2.3c", "v1.2", "Foo-.3c"),
        ("Foo-v1.23c", None, "Foo-v1.23c"),
        ("Foo-v2beta", None, "Foo-v2beta"),
        ("Foov2", None, "Foov2"),
        ("Foo-v2.x", None, "Foo-v2.x"),
        ("Foo-v3-v1.2", "v1.2", "Foo-v3"),
        ("Foo_v01", "v01", "Foo"),
    ],
)
def test_a_version_keeps_its_letter_case(name: str, version: str | None, base: str) -> None:
    parsed = parse_text_name(name)
    assert (parsed.version, parsed.base_name) == (version, base)


@pytest.mark.parametrize(
    ("name", "quant"),
    [
        ("Foo-q4_k_m", "Q4_K_M"),
        ("Foo-Q6_K_L", "Q6_K_L"),
        ("Foo-Q5_K", "Q5_K"),
        ("Foo-Q8_0", "Q8_0"),
        ("Foo-Q2", "Q2"),
        ("Foo-gguf", "GGUF"),
        ("Foo-fp16", "FP16"),
        ("Foo-GGUF-Q4_K_M", "Q4_K_M"),
        ("Foo-FP16-GGUF", "GGUF"),
        ("Foo-Q4_K_XL", None),
        ("Foo-IQ4_XS", None),
        ("Foo-Q9", None),
        ("Foo-Q1", None),
        ("Foo-bf16", None),
        ("Foo-fp8", None),
        ("foo_Q4", None),
    ],
)
def test_a_quantisation_is_found_on_word_borders(name: str, quant: str | None) -> None:
    assert parse_text_name(name).quant == quant
    assert is_quantized(name) is (quant is not None)


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("Foo-Instruct", "Instruct"),
        ("Foo-CHAT", "CHAT"),
        ("Foo-ft", "ft"),
        ("Base-Foo-Chat", "Base"),
        ("Foo-Thinking-Chat", "Chat"),
        ("Foo-latest-Reasoning", "Reasoning"),
        ("Foo-turbo", "turbo"),
        ("Foo-Chatty", None),
        ("Foo-instruct_Uncensored", None),
    ],
)
def test_a_variant_is_the_first_word_of_the_first_kind(name: str, variant: str | None) -> None:
    assert parse_text_name(name).variant == variant


@pytest.mark.parametrize(
    ("name", "extras"),
    [
        ("Foo-2407", [NameExtra("2407", 1, ExtraPartType.DATE)]),
        ("Foo-08-2024", [NameExtra("08-2024", 1, ExtraPartType.DATE)]),
        ("Foo-2024-08-01", [NameExtra("2024-08", 1, ExtraPartType.DATE)]),
        ("Foo-2024x", []),
        ("4.2.0-Foo", [NameExtra("4.2.0", 0, ExtraPartType.LEADING_VERSION)]),
        ("4.2_Foo", [NameExtra("4.2", 0, ExtraPartType.LEADING_VERSION)]),
        ("4-Foo", []),
        ("4.2.0.1-Foo", []),
    ],
)
def test_dates_and_leading_versions_are_extras(name: str, extras: list[NameExtra]) -> None:
    assert list(parse_text_name(name).extras) == extras


def test_the_position_of_a_date_counts_the_separators_of_the_whole_name() -> None:
    parsed = parse_text_name("1.5-Foo_Bar-7B-v1.0-Instruct-2407-Q4_K_M")
    assert [(extra.value, extra.position) for extra in parsed.extras] == [("1.5", 0), ("2407", 8)]


def test_all_parts_are_taken_once_and_the_rest_is_the_base() -> None:
    parsed = parse_text_name("acme/Cydonia-v1.3-Magnum-v4-22B-Instruct-Q4_K_M")
    assert parsed.original_name == "acme/Cydonia-v1.3-Magnum-v4-22B-Instruct-Q4_K_M"
    assert parsed.base_name == "acme/Cydonia-Magnum-v4"
    assert (parsed.size, parsed.version, parsed.quant, parsed.variant) == (
        "22B",
        "v1.3",
        "Q4_K_M",
        "Instruct",
    )


@pytest.mark.parametrize(
    ("name", "base"), [("A--B__C..D  E", "A-B_C.D E"), ("-_. A -", "A"), ("--", "--"), ("A-_B", "A-_B")]
)
def test_separators_are_merged_by_kind_and_trimmed(name: str, base: str) -> None:
    assert parse_text_name(name).base_name == base


@given(names)
def test_the_parser_never_fails_and_names_have_a_base(name: str) -> None:
    parsed = parse_text_name(name)
    assert bool(parsed.base_name) == bool(name)
    assert parsed.original_name == name


@given(names)
def test_the_size_stands_in_the_name_and_positions_within_it(name: str) -> None:
    parsed = parse_text_name(name)
    assert (parsed.size or "").casefold() in name.casefold()
    assert all(0 <= extra.position <= len(name) for extra in parsed.extras)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("aphrodite/ReadyArt/Broken-Tutu-24B", "Broken-Tutu"),
        ("koboldcpp/Broken-Tutu-24B", "Broken-Tutu"),
        ("koboldcpp/aphrodite/Foo-7B", "Foo"),
        ("Aphrodite/x/Foo-7B", "x/Foo"),
        ("a/b/c/Foo-7B", "b/c/Foo"),
        ("Sao10K/Foo", "Foo"),
        ("koboldcpp/", ""),
        ("Foo-7B", "Foo"),
    ],
)
def test_a_group_is_the_base_without_publisher_and_one_prefix(name: str, group: str) -> None:
    assert group_of(name) == established_group_of(name) == group


def test_mixtures_of_experts_stay_in_their_established_groups() -> None:
    assert group_of("mistralai/Mixtral-8x22B-Instruct-v0.1") == "Mixtral"
    assert established_group_of("mistralai/Mixtral-8x22B-Instruct-v0.1") == "Mixtral-8x2"
    assert established_group_of("mistralai/Mixtral-8x7B-Instruct-v0.1") == "Mixtral"


@pytest.mark.parametrize(
    ("name", "normalized"),
    [("A/Foo-Bar 1.5_x", "a/foo_bar_1_5_x"), ("--", ""), ("A--_. b", "a_b"), ("-Foo-", "foo")],
)
def test_a_normalized_name_has_single_underscores(name: str, normalized: str) -> None:
    assert normalized_name(name) == normalized


@pytest.mark.parametrize(
    ("name", "model_name", "display_name"),
    [
        ("acme/Foo-7B", "Foo-7B", "Foo 7B"),
        ("Foo_7B", "Foo_7B", "Foo 7B"),
        ("acme/--Weird__Name--", "--Weird__Name--", "Weird Name"),
        ("a/b/c", "b", "b"),
        ("koboldcpp/", "", ""),
        ("acme/v1.0", "v1.0", "v1.0"),
    ],
)
def test_names_for_display_come_from_the_second_part(name: str, model_name: str, display_name: str) -> None:
    assert model_name_of(name) == model_name
    assert default_display_name(name) == display_name


def test_the_publisher_is_what_stands_before_the_first_slash() -> None:
    assert publisher_of("acme/Foo/Bar") == "acme"
    assert publisher_of("Foo") is None


def test_words_for_quantisations_can_be_removed() -> None:
    assert without_quants("Foo-Q4_K_M-gguf") == "Foo--"


@pytest.mark.parametrize(
    "piece", ["1", "1.", "a1", "1x", "v1.", "7b", "-", "Q4_K_", "2024-", "-_ .", "Chat", "é", "1x1"]
)
def test_very_long_names_take_milliseconds(piece: str) -> None:
    name = (piece * 100_000)[:100_000] + "x"
    started = time.perf_counter()
    parse_text_name(name)
    group_of(name)
    assert time.perf_counter() - started < 1.0  # quadratic time would be minutes
