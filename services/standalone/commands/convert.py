"""Convert on standard input and output: documents between the formats, and names of text models."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, Final

from horde_model_reference import text_backend_names, text_names
from horde_model_reference.category_import import import_source
from horde_model_reference.change_renderer import apply_changes
from horde_model_reference.documents import (
    CategoryDocuments,
    Change,
    Create,
    Delete,
    Rejection,
    SourceUnreadable,
    Update,
)
from horde_model_reference.legacy.format import render_legacy
from horde_model_reference.legacy.from_v2 import fresh_legacy_record
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.strict_json import on_one_line, parse_json_object
from horde_model_reference.text_expansion import render_db_json
from horde_model_reference.text_families import suggest_families
from horde_model_reference.text_groups import group_names, infer_name_format
from horde_model_reference.v2_format import read_valid_records
from registry.sources import SEED_FILES

NO_TIME: Final = 0  # a conversion is reproducible: its records carry no time of their own


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the modes."""
    modes = parser.add_subparsers(dest="mode", metavar="MODE", required=True)
    for mode, (_, help_text) in CATEGORY_MODES.items():
        modes.add_parser(mode, help=help_text).add_argument("category", choices=sorted(SEED_FILES))
    for mode, (_, help_text) in NAME_MODES.items():
        modes.add_parser(mode, help=help_text)


def run(arguments: argparse.Namespace) -> int:
    """Convert standard input to standard output. Raises `SourceUnreadable`, `ChangeRefused`."""
    body = sys.stdin.buffer.read()
    if arguments.mode in NAME_MODES:
        answer = NAME_MODES[arguments.mode][0](body)
    else:
        answer = CATEGORY_MODES[arguments.mode][0](arguments.category, body)
    sys.stdout.buffer.write(answer)
    return 0


def to_v2(category: str, body: bytes) -> bytes:
    """Return the v2 document of a legacy file; records that cannot be read are named on standard error."""
    imported = import_source(category, {_file_name(category, body): body}, now=NO_TIME, previous=None)
    _name_rejected(imported.rejected)
    return imported.documents.v2


def to_legacy(category: str, body: bytes) -> bytes:
    """Return the legacy document of v2 records that never had a legacy original."""
    valid = read_valid_records(category, body, "standard input")
    _name_rejected(valid.rejected)
    if category == MODEL_REFERENCE_CATEGORY.text_generation:
        return render_db_json(valid.records)
    return render_legacy(
        {name: fresh_legacy_record(category, record) for name, record in valid.records.items()}
    )


def roundtrip(category: str, body: bytes) -> bytes:
    """Return what v1 serves after the import of a legacy file."""
    return _imported(category, body).legacy or b""


def edit(category: str, body: bytes) -> bytes:
    """Return what v1 serves after the import of a legacy file and changes to its v2 records."""
    request = parse_json_object(body, "standard input")
    legacy, changes = request.get("legacy"), request.get("changes")
    if not isinstance(legacy, str) or not isinstance(changes, list):
        raise SourceUnreadable('standard input is not an object with a text "legacy" and a list "changes"')
    return _edited(category, _imported(category, legacy.encode()), [_change(change) for change in changes])


def parse_text(body: bytes) -> bytes:
    """Return one JSON object for each name, one name a line."""
    try:
        lines = body.decode().split("\n")
    except UnicodeDecodeError as error:
        raise SourceUnreadable(f"standard input is not UTF-8: byte {error.start}: {error.reason}") from error
    names = lines if lines[-1] else lines[:-1]
    return b"".join(json.dumps(_name_parts(name)).encode() + b"\n" for name in names)


def group_text(body: bytes) -> bytes:
    """Return the groups of a JSON list of names, how the names of each are made, and suggested families."""
    names = _json_list(body)
    groups = group_names(names)
    answer = {
        "groups": groups,
        "name_formats": {group: asdict(infer_name_format(members)) for group, members in groups.items()},
        "families": {
            family.family_name: family.members for family in suggest_families(sorted(groups)).suggestions
        },
    }
    return json.dumps(answer).encode() + b"\n"


CATEGORY_MODES: Final[Mapping[str, tuple[Callable[[str, bytes], bytes], str]]] = {
    "to-v2": (to_v2, "a legacy file (models.csv for text) to v2 records"),
    "to-legacy": (to_legacy, "v2 records that never had a legacy original to legacy records"),
    "roundtrip": (roundtrip, "a legacy file to what v1 serves after its import"),
    "edit": (edit, "a legacy file and changes to what v1 serves after them"),
}
NAME_MODES: Final[Mapping[str, tuple[Callable[[bytes], bytes], str]]] = {
    "parse-text": (parse_text, "names of text models, one a line, to their parts"),
    "group-text": (group_text, "a JSON list of names of text models to their groups"),
}


def _json_list(body: bytes) -> list[str]:
    try:
        names = json.loads(body)
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, an absurd number
        raise SourceUnreadable(f"standard input is not JSON: {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SourceUnreadable("standard input is not a list of names")
    return names


def _file_name(category: str, body: bytes) -> str:
    names = SEED_FILES[category][1]
    return names[-1] if body.lstrip()[:1] == b"{" else names[0]


def _name_rejected(rejected: Iterable[Rejection]) -> None:
    for one in rejected:
        sys.stderr.write(on_one_line(f"left out: {one.name}: {one.path}: {one.reason}") + "\n")


def _imported(category: str, body: bytes) -> CategoryDocuments:
    sources = {_file_name(category, body): body}
    return import_source(category, sources, now=NO_TIME, previous=None).documents


def _edited(category: str, documents: CategoryDocuments, changes: list[Change]) -> bytes:
    return apply_changes(category, documents, changes, now=NO_TIME, author=None).legacy or b""


def _change(given: object) -> Change:
    match given:
        case {"op": "create", "name": str(name), "record": dict(record)}:
            return Create(name, record)
        case {"op": "update", "name": str(name), **fields}:
            return Update(name, *_field_changes(given, fields.get("set") or {}, fields.get("unset") or []))
        case {"op": "delete", "name": str(name)}:
            return Delete(name)
        case _:
            raise _not_a_change(given)


def _field_changes(
    given: object, values: object, removed: object
) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    if not isinstance(values, dict) or not isinstance(removed, list):
        raise _not_a_change(given)
    if not all(isinstance(field, str) for field in removed):
        raise _not_a_change(given)
    return values, tuple(removed)


def _not_a_change(given: object) -> SourceUnreadable:
    return SourceUnreadable(f"not a change: {json.dumps(given)[:200]}")


def _name_parts(name: str) -> dict[str, Any]:
    parsed = text_names.parse_text_name(name)
    return {
        "base_name": parsed.base_name,
        "size": parsed.size,
        "variant": parsed.variant,
        "version": parsed.version,
        "quant": parsed.quant,
        "extras": [asdict(extra) for extra in parsed.extras],
        "group": text_names.group_of(name),
        "normalized_name": text_names.normalized_name(name),
        "is_quantized": text_names.is_quantized(name),
        "has_backend_prefix": text_backend_names.has_legacy_text_backend_prefix(name),
        "stripped": text_backend_names.strip_backend_prefix(name),
        "model_name": text_names.model_name_of(name),
        "display_name": text_names.default_display_name(name),
        "variants": text_backend_names.get_model_name_variants(name),
    }
