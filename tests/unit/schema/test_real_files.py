"""The real legacy files, and what they convert to."""

import difflib
import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest

from horde_model_reference.category_import import import_source
from horde_model_reference.change_renderer import apply_changes
from horde_model_reference.documents import CategoryDocuments, Delete, Update
from horde_model_reference.legacy.from_v2 import fresh_legacy_record
from horde_model_reference.legacy.to_v2 import convert_legacy
from horde_model_reference.legacy.validate_sd import validate_legacy_stable_diffusion_db
from horde_model_reference.meta_consts import get_category_descriptor
from horde_model_reference.strict_json import parse_json_object, read_json_object
from horde_model_reference.v2_format import parse_v2, read_valid_records, validate_record
from support.reference_data import SHARED, requires_shared

pytestmark = requires_shared

SMALL = [
    *("blip", "clip", "codeformer", "controlnet", "esrgan", "gfpgan", "miscellaneous", "safety_checker"),
]
CATEGORIES = ["image_generation", *SMALL]
GOLDEN = SHARED / "data" / "golden"
ADDED = "features_not_supported"
"""The one v2 field that the golden files do not have."""


def real_file(category: str) -> bytes:
    return (SHARED / "data" / "image" / get_category_descriptor(category).legacy_filename).read_bytes()


def imported_file(category: str) -> CategoryDocuments:
    name = get_category_descriptor(category).legacy_filename
    found = import_source(category, {name: real_file(category)}, now=1, previous=None)
    assert found.rejected == ()
    return found.documents


def golden(path: str) -> Any:
    return json.loads((GOLDEN / path).read_bytes())


def some(names: list[str]) -> list[str]:
    """Return all names of a small file, and enough of a large one."""
    return names if len(names) < 20 else [*names[::10], names[-1]]


def rules() -> ModuleType:
    """Load the comparison rules of the contract's own checker."""
    spec = importlib.util.spec_from_file_location("check_convert", SHARED / "contract" / "check_convert.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_same_records(category: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    check = rules()
    for name, record in wanted.items():
        extra = {} if ADDED in record else {ADDED: None}
        one = check.norm_v2(category, {**found[name], **extra}, True)
        other = check.norm_v2(category, record, True)
        assert check.same(other, one, True), name


def corrected(case: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the values that the contract wants instead of what the golden record holds."""
    return {field: values[0] for field, values in case.get("accept", {}).get(name, {}).items()}


@pytest.mark.parametrize("category", CATEGORIES)
def test_an_imported_file_is_served_byte_for_byte(category: str) -> None:
    assert imported_file(category).legacy == real_file(category)


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_v2_records_are_those_of_the_golden_files(category: str) -> None:
    found = parse_v2(imported_file(category).v2)
    assert list(found) == list(parse_json_object(real_file(category)))
    assert_same_records(category, found, golden(f"v2/{category}.json"))


@pytest.mark.parametrize("category", CATEGORIES)
def test_made_up_records_convert_or_are_left_out_as_the_contract_says(category: str) -> None:
    case = golden(f"cases/{category}.json")
    conversion = convert_legacy(category, case["legacy"])
    wanted = {name: {**record, **corrected(case, name)} for name, record in case["v2"].items()}
    assert_same_records(category, dict(conversion.records), wanted)
    assert not set(case["must_reject"]) & conversion.records.keys()
    assert {item.name for item in conversion.rejected} == set(case["legacy"]) - conversion.records.keys()


def test_features_that_a_model_lacks_are_carried() -> None:
    original = parse_json_object(real_file("image_generation"))
    found = parse_v2(imported_file("image_generation").v2)
    assert {name: record.get(ADDED) for name, record in found.items()} == {
        name: record.get(ADDED) for name, record in original.items()
    }
    assert sum(ADDED in record for record in found.values()) == 36


@pytest.mark.parametrize("category", CATEGORIES)
def test_an_edit_changes_the_line_it_is_about_and_no_other(category: str) -> None:
    documents = imported_file(category)
    before = real_file(category).decode().splitlines(keepends=True)
    for name in some(list(parse_json_object(real_file(category)))):
        change = Update(name, {"version": "changed \N{LATIN SMALL LETTER E WITH ACUTE}"})
        after = apply_changes(category, documents, [change], now=2, author=None).legacy or b""
        lines = after.decode().splitlines(keepends=True)
        differences = [line for line in difflib.ndiff(before, lines) if line[0] in "+-"]
        assert 1 <= len(differences) <= 2
        assert '"version": "changed \\u00e9"' in differences[-1]
        assert len({line.endswith("\r\n") for line in lines if line.strip()}) == 1


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_deletion_leaves_the_bytes_of_all_others(category: str) -> None:
    documents = imported_file(category)
    source = read_json_object(real_file(category))
    for name in some(list(source.members)):
        after = apply_changes(category, documents, [Delete(name)], now=2, author=None)
        left = read_json_object(after.legacy or b"")
        assert list(left.members) == [other for other in source.members if other != name]
        for other, item in left.members.items():
            was = source.members[other]
            assert left.text[item.key_start : item.value_end] == source.text[was.key_start : was.value_end]


def test_the_real_file_is_in_canonical_form() -> None:
    path = SHARED / "data" / "image" / "stable_diffusion.json"
    assert validate_legacy_stable_diffusion_db(path, fail_on_extra=True)


@pytest.mark.parametrize("file_name", ["image_generation", "image_generation_extra"])
def test_records_without_an_original_get_the_legacy_form_of_the_contract(file_name: str) -> None:
    check = rules()
    valid = read_valid_records("image_generation", json.dumps(golden(f"v2/{file_name}.json")).encode())
    wanted = golden(f"legacy_from_v2/{file_name}.json")
    assert valid.rejected == ()
    assert list(valid.records) == list(wanted)
    for name, record in wanted.items():
        one = check.norm_legacy(fresh_legacy_record("image_generation", valid.records[name]))
        assert one.pop("download_all") is False
        assert check.same(check.norm_legacy(record), one, True), name


def test_the_annotators_are_valid_records() -> None:
    wanted = golden("v2/controlnet_annotator.json")
    assert len(wanted) == 12
    for name, record in wanted.items():
        assert validate_record("controlnet_annotator", name, record) == record
