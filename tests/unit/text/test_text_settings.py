"""Generation settings are flat JSON objects."""

import pytest

from horde_model_reference.text_settings import (
    GENERATION_SETTINGS,
    SettingsInvalid,
    flat_settings,
    parse_settings,
    require_known_settings,
)


def test_values_keep_their_json_types() -> None:
    settings = parse_settings('{"a": 1, "b": 1.0, "c": true, "d": "x", "e": [1, 2.5], "f": ["y"], "g": []}')
    assert repr(settings) == repr({"a": 1, "b": 1.0, "c": True, "d": "x", "e": [1, 2.5], "f": ["y"], "g": []})


@pytest.mark.parametrize(("text", "settings"), [("", None), ("  ", None), ("null", None), (" {} ", {})])
def test_empty_text_and_null_are_no_settings_but_an_empty_object_is(
    text: str, settings: dict[str, object] | None
) -> None:
    assert parse_settings(text) == settings


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("{not json", "settings"),
        ("[1]", "settings"),
        ('"x"', "settings"),
        ('{"a": {"b": 1}}', "settings.a"),
        ('{"a": null}', "settings.a"),
        ('{"a": [1, null]}', "settings.a"),
        ('{"a": [[1]]}', "settings.a"),
        ('{"a": [1, "x"]}', "settings.a"),
        ('{"a": NaN}', "settings"),
        ('{"a": 1e999}', "settings"),
        ('{"a": 1, "a": 2}', "settings"),
        ('{"a": "\\ud800"}', "settings"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "settings"),
        ('{"a": ' + "9" * 5000 + "}", "settings"),
    ],
)
def test_what_is_not_flat_or_not_json_is_refused_with_its_path(text: str, path: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        parse_settings(text)
    assert refused.value.path == path


def test_settings_that_are_no_object_or_cannot_be_written_are_refused() -> None:
    for settings in ([1], "x", {"a": float("inf")}, {"a": "\ud800"}, {1: 2}):
        with pytest.raises(SettingsInvalid):
            flat_settings(settings)


def test_only_the_settings_of_the_horde_are_known() -> None:
    require_known_settings(dict.fromkeys(GENERATION_SETTINGS, 1))
    with pytest.raises(SettingsInvalid, match="unknown settings top_q, zeal; allowed are n, frmtadsnsp"):
        require_known_settings({"zeal": 1, "top_k": 1, "top_q": 1})
