"""What may be written into a text record."""

from typing import Any

import pytest

from horde_model_reference.text_write_rules import checked_fields, require_writable_name
from horde_model_reference.v2_format import RecordInvalid


@pytest.mark.parametrize(
    "name", ["Foo", "acme/Foo-7B", "a" * 10_000, "é🦙 x", "other::x", "vllm/x", "a/../b'\""[:4]]
)
def test_ordinary_names_may_be_written(name: str) -> None:
    require_writable_name(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "blank"),
        (" \t", "blank"),
        (" x", "white space"),
        ("x\n", "white space"),
        ("aphrodite/x", "backend prefix"),
        ("koboldcpp/x", "backend prefix"),
        ("https://x", "URL"),
        ("a/b/c", "more than one slash"),
        ("a\\b", "backslash"),
        ("\ud800", "lone surrogate"),
    ],
)
def test_names_that_would_not_survive_are_refused(name: str, reason: str) -> None:
    with pytest.raises(RecordInvalid, match=reason) as refused:
        require_writable_name(name)
    assert refused.value.path == "name"


@pytest.mark.parametrize(
    ("given", "stored"),
    [(7, 7), (7.9, 7), ("7", 7), ("7.9", 7), ("1e3", 1000), (2**63 - 1, 2**63 - 1), (" 12 ", 12)],
)
def test_parameters_are_cut_to_a_whole_number(given: Any, stored: int) -> None:
    assert checked_fields("Foo", {"parameters": given}) == {"parameters": stored}


@pytest.mark.parametrize(
    "given",
    [True, False, 0, -1, 0.5, "0.5", "", "seven", "nan", "inf", float("inf"), None, [7], 2**63, "9" * 5000],
)
def test_parameters_that_are_no_positive_number_are_refused_with_the_model(given: Any) -> None:
    with pytest.raises(RecordInvalid, match=r"'Foo', parameters: must be a positive number") as refused:
        checked_fields("Foo", {"parameters": given})
    assert refused.value.path == "parameters"


def test_parameters_may_go_by_their_python_name() -> None:
    assert checked_fields("Foo", {"parameters_count": "5"}) == {"parameters": 5}
    assert checked_fields("Foo", {"parameters_count": 5, "parameters": 6}) == {"parameters": 6}


@pytest.mark.parametrize(
    ("given", "stored"), [("b, a ,,b", ["b", "a", "b"]), ([" x ", ""], ["x"]), (None, None)]
)
def test_tags_are_a_list_or_comma_separated_text(given: Any, stored: Any) -> None:
    assert checked_fields("Foo", {"tags": given}) == {"tags": stored}


@pytest.mark.parametrize("given", [["a,b"], [1], 7, {"a": 1}])
def test_tags_that_are_no_list_of_texts_are_refused(given: Any) -> None:
    with pytest.raises(RecordInvalid) as refused:
        checked_fields("Foo", {"tags": given})
    assert refused.value.path == "tags"


@pytest.mark.parametrize(
    ("given", "stored"),
    [({"top_k": 1.0}, {"top_k": 1.0}), ('{"top_k": 1}', {"top_k": 1}), ("null", None), (None, None)],
)
def test_settings_are_an_object_or_its_text(given: Any, stored: Any) -> None:
    assert checked_fields("Foo", {"settings": given}) == {"settings": stored}


@pytest.mark.parametrize(
    ("given", "path"),
    [({"zeal": 1}, "settings"), ("[1]", "settings"), ([1], "settings"), ({"top_k": None}, "settings.top_k")],
)
def test_settings_that_are_not_flat_or_not_known_are_refused(given: Any, path: str) -> None:
    with pytest.raises(RecordInvalid) as refused:
        checked_fields("Foo", {"settings": given})
    assert refused.value.path == path


def test_nothing_is_added_to_what_is_given() -> None:
    fields = {"style": "chat", "tags": ["b", "a"], "url": "", "unknown": 1}
    assert checked_fields("Foo", fields) == fields
