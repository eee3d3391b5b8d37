import pytest

from horde_model_reference.json_dicts import (
    model_reference_to_json_dict,
    model_reference_to_json_dict_safe,
)
from horde_model_reference.record_building import build_records

STORED = {"x": {"name": "x", "parameters": 7, "nsfw": True, "config": {"download": []}}}


def test_only_the_fields_that_were_set_are_given_by_their_names_on_the_wire() -> None:
    records = build_records("text_generation", STORED).records
    assert model_reference_to_json_dict(records) == STORED
    assert model_reference_to_json_dict_safe(records) == STORED


def test_nothing_is_a_value_error() -> None:
    for convert in (model_reference_to_json_dict, model_reference_to_json_dict_safe):
        with pytest.raises(ValueError, match="there is no model reference"):
            convert(None)


def test_other_trouble_is_logged_or_raised(caplog: pytest.LogCaptureFixture) -> None:
    strange = {"x": object()}
    assert model_reference_to_json_dict(strange) is None  # type: ignore[arg-type]
    assert "cannot be written as JSON" in caplog.text
    with pytest.raises(AttributeError):
        model_reference_to_json_dict(strange, safe_mode=True)  # type: ignore[arg-type]
