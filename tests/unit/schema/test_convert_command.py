"""Input that is not what it should be ends a conversion with a line, never with a stack trace."""

import json

import pytest

from horde_model_reference.documents import ChangeRefused, SourceUnreadable
from standalone.commands.convert import edit, group_text, parse_text, to_legacy
from support.model_records import a_legacy_image, an_image, canonical_file

CSV = "name,parameters_bn\r\na/B-7B,7\r\n"


def an_edit(legacy: str, *changes: object) -> bytes:
    return json.dumps({"legacy": legacy, "changes": changes}).encode()


def test_text_records_that_are_not_valid_are_left_out_of_the_expansion(
    capsys: pytest.CaptureFixture[str],
) -> None:
    records = {"a/B-7B": {"name": "a/B-7B", "parameters": 7}, "x": {"name": "x"}, "y\n": 5}
    found = json.loads(to_legacy("text_generation", json.dumps(records).encode()))
    assert list(found) == ["a/B-7B", "aphrodite/a/B-7B", "koboldcpp/B-7B"]
    assert capsys.readouterr().err.splitlines() == [
        "left out: x: parameters: Field required",
        "left out: y\\n: : is not an object",
    ]


def test_a_record_with_a_flaw_does_not_keep_the_others_from_legacy() -> None:
    good = json.dumps(an_image("good"))
    body = f'{{"bad": {{"name": "\\ud800"}}, "good": {good}, "none": null}}'
    assert list(json.loads(to_legacy("image_generation", body.encode()))) == ["good"]


@pytest.mark.parametrize(
    "change",
    [
        None,
        [],
        {"op": "update", "name": 5},
        {"op": "update", "name": "a", "set": [1]},
        {"op": "update", "name": "a", "unset": "homepage"},
        {"op": "update", "name": "a", "unset": [{}]},
        {"op": "create", "name": "n"},
    ],
)
@pytest.mark.parametrize("category", ["image_generation", "text_generation"])
def test_what_is_no_change_is_refused(category: str, change: object) -> None:
    legacy = CSV if category == "text_generation" else canonical_file({"a": a_legacy_image("a")}).decode()
    with pytest.raises((SourceUnreadable, ChangeRefused)):
        edit(category, an_edit(legacy, change))


def test_an_update_may_leave_out_or_null_what_it_does_not_use() -> None:
    legacy = canonical_file({"a": a_legacy_image("a")})
    change = {"op": "update", "name": "a", "set": None, "unset": None}
    assert edit("image_generation", an_edit(legacy.decode(), change)) == legacy


@pytest.mark.parametrize(
    "body", [b"", b"5", b"null", b"{}", b"[1]", b"\xff", b"[", b"[" * 100_000, b"[" + b"9" * 5000 + b"]"]
)
def test_what_is_no_list_of_names_is_refused(body: bytes) -> None:
    with pytest.raises(SourceUnreadable, match="standard input is not"):
        group_text(body)


def test_names_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(SourceUnreadable, match="not UTF-8: byte 2"):
        parse_text(b"a\n\xff\n")


@pytest.mark.parametrize(("body", "lines"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\n\nb\n", 3)])
def test_each_line_is_a_name(body: bytes, lines: int) -> None:
    assert parse_text(body).count(b"\n") == lines
