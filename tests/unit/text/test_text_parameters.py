"""Parameter counts in billions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.text_parameters import parse_parameters_bn, render_parameters_bn, size_tag


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("7", 7_000_000_000),
        (" 12.2 ", 12_200_000_000),
        ("0.564", 564_000_000),
        ("1e3", 10**12),
        ("-1", -(10**9)),
        ("0.0000000019", 1),
        ("64.927633292", 64_927_633_291),
    ],
)
def test_billions_are_multiplied_in_double_precision_and_cut(text: str, parameters: int) -> None:
    assert parse_parameters_bn(text) == parameters


@pytest.mark.parametrize("text", ["", "seven", "7B", "nan", "inf", "-Infinity", "1e400", "1e10", "7,5"])
def test_what_is_no_number_of_parameters_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"number|convert"):
        parse_parameters_bn(text)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        (3_000_000_000, "3"),
        (560_000_000, "0.56"),
        (12_200_000_000, "12.2"),
        (0, "0"),
        (-(10**9), "-1"),
        (1, "0.000000001"),
    ],
)
def test_counts_are_written_as_short_as_possible(parameters: int, text: str) -> None:
    assert render_parameters_bn(parameters) == text


@given(st.integers(-(10**15), 10**15))
def test_every_count_survives_the_way_through_text(parameters: int) -> None:
    assert parse_parameters_bn(render_parameters_bn(parameters)) == parameters


@pytest.mark.parametrize(
    ("billions", "tag"),
    [
        (2.5, "2B"),
        (3.5, "4B"),
        (0.5, "0B"),
        (1.5, "2B"),
        (0.125, "0B"),
        (7.6, "8B"),
        (0, "0B"),
        (-0.4, "0B"),
        (-1, "-1B"),
    ],
)
def test_the_size_tag_is_rounded_half_to_even(billions: float, tag: str) -> None:
    assert size_tag(int(billions * 10**9)) == tag


@given(st.integers(0, 10**14))
def test_the_size_tag_is_what_python_rounds_to(millions: int) -> None:
    parameters = millions * 1000
    assert size_tag(parameters) == f"{round(parameters / 10**9)}B"
