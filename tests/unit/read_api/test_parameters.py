from typing import Any

import pytest
from multidict import MultiDict

from read_api.parameters import unknown_category
from read_api.routes.search import SearchParameters
from service_kit.errors import RequestInvalid
from service_kit.parameters import Parameters, parse_query


class Named(Parameters):
    name: str


def problems(parameters: type[Parameters], *pairs: tuple[str, str]) -> list[dict[str, Any]]:
    with pytest.raises(RequestInvalid) as caught:
        parse_query(parameters, MultiDict(pairs))
    return caught.value.details


@pytest.mark.parametrize("text", ["true", "1", "yes", "y", "on", "t", "TRUE", "Yes"])
def test_words_for_true_are_accepted_in_any_letter_case(text: str) -> None:
    assert parse_query(SearchParameters, MultiDict(nsfw=text)).nsfw is True


@pytest.mark.parametrize("text", ["false", "0", "no", "n", "off", "f", "FALSE"])
def test_words_for_false_are_accepted_in_any_letter_case(text: str) -> None:
    assert parse_query(SearchParameters, MultiDict(nsfw=text)).nsfw is False


@pytest.mark.parametrize("text", ["", "2", "maybe", " "])
def test_other_words_are_no_truth_values(text: str) -> None:
    (problem,) = problems(SearchParameters, ("nsfw", text))

    assert problem["type"] == "bool_parsing"
    assert problem["loc"] == ["query", "nsfw"]
    assert problem["input"] == text
    assert isinstance(problem["msg"], str)


@pytest.mark.parametrize(
    ("text", "kind", "context"),
    [
        ("0", "greater_than_equal", {"ge": 1}),
        ("501", "less_than_equal", {"le": 500}),
        ("abc", "int_parsing", None),
        ("", "int_parsing", None),
    ],
)
def test_limits_are_checked(text: str, kind: str, context: dict[str, int] | None) -> None:
    (problem,) = problems(SearchParameters, ("limit", text))

    assert (problem["type"], problem["loc"], problem.get("ctx")) == (kind, ["query", "limit"], context)


def test_every_problem_is_told() -> None:
    found = problems(SearchParameters, ("limit", "0"), ("offset", "-1"), ("nsfw", "q"))

    assert [problem["loc"][1] for problem in found] == ["nsfw", "limit", "offset"]


def test_a_missing_parameter_is_told_without_the_others() -> None:
    (problem,) = problems(Named, ("other", "x"))

    assert (problem["type"], problem["loc"], problem["input"]) == ("missing", ["query", "name"], None)


def test_of_a_repeated_single_parameter_the_last_counts_and_lists_collect_all() -> None:
    query = MultiDict(
        [("nsfw", "true"), ("tags_any", "a,b"), ("nsfw", "false"), ("tags_any", ""), ("x", "y")]
    )

    parsed = parse_query(SearchParameters, query)

    assert parsed.nsfw is False
    assert parsed.tags_any == ("a,b", "")


def test_an_unknown_category_is_a_problem_of_the_path() -> None:
    (problem,) = unknown_category("Clip").details

    assert problem["type"] == "enum"
    assert problem["loc"] == ["path", "model_category_name"]
    assert problem["input"] == "Clip"
    assert "'blip', 'clip'" in problem["msg"]
