"""The text models that the primary serves, checked and made ready for models.csv (sync.md section 6.5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from horde_model_reference.documents import Record
from horde_model_reference.strict_json import on_one_line
from horde_model_reference.text_backend_names import has_legacy_text_backend_prefix
from horde_model_reference.text_entries import record_of_entry
from horde_model_reference.text_expansion import DEFAULTS, ENTRY_FIELDS, expanded_fields
from horde_model_reference.text_rows import TextRecordInvalid
from horde_model_reference.text_settings import SettingsInvalid, flat_settings, parse_settings
from horde_model_reference.text_write_rules import checked_fields
from horde_model_reference.v2_format import RecordInvalid

WITHOUT_COLUMN = ("version", "nsfw")
"""Members of an entry that models.csv cannot hold; the converter gives all models their defaults."""


@dataclass(frozen=True, slots=True)
class RecordProblem:
    """A record that is not carried over, or (`is_partial`) not wholly: its name, the member, the reason."""

    name: str
    path: str
    reason: str
    is_partial: bool = False

    @classmethod
    def of(cls, name: str, path: str, reason: object, *, is_partial: bool = False) -> "RecordProblem":
        """Make one whose texts can be printed on one line."""
        return cls(on_one_line(name), on_one_line(path), on_one_line(str(reason)), is_partial)


@dataclass(frozen=True, slots=True)
class WantedModel:
    """A model as a row of models.csv can hold it, and what the entries of that row will have in common."""

    name: str
    record: Record
    fields: Record


@dataclass(frozen=True, slots=True)
class WantedModels:
    """The models by name in the order of the primary. Those in `unusable` are left as GitHub has them."""

    models: Mapping[str, WantedModel]
    unusable: frozenset[str]
    problems: tuple[RecordProblem, ...]


def wanted_models(entries: Mapping[str, object], allowed_settings: frozenset[str]) -> WantedModels:
    """Read the plain entries that the primary serves; those with the prefix of a back end repeat them."""
    models: dict[str, WantedModel] = {}
    unusable: set[str] = set()
    problems: list[RecordProblem] = []
    for name, entry in entries.items():
        if has_legacy_text_backend_prefix(name):
            continue
        try:
            models[name] = _wanted_model(name, entry, allowed_settings)
        except TextRecordInvalid as error:
            unusable.add(name.strip())
            problems.append(RecordProblem.of(name, error.path, error))
        else:
            problems += _losses(name, entry)
    return WantedModels(models, frozenset(unusable), tuple(problems))


def _wanted_model(name: str, entry: object, allowed_settings: frozenset[str]) -> WantedModel:
    _require_usable_name(name)
    if not isinstance(entry, dict):
        raise TextRecordInvalid("", "not an object")
    given = {"parameters": entry.get("parameters"), "tags": entry.get("tags")}
    try:
        checked = checked_fields(name, given)
    except RecordInvalid as error:
        raise TextRecordInvalid(error.path, error.reason) from error
    settings = _checked_settings(entry.get("settings"), allowed_settings)
    record = record_of_entry(name, {**entry, **checked, "settings": settings})
    record |= {"version": "", "nsfw": False}
    return WantedModel(name, record, expanded_fields(name, record))


def _require_usable_name(name: str) -> None:
    if not name.strip():
        raise TextRecordInvalid("name", "the model has no name")
    if name != name.strip():
        raise TextRecordInvalid("name", "begins or ends with white space, which a row does not keep")
    if "://" in name:
        raise TextRecordInvalid("name", "holds a URL")


def _checked_settings(given: object, allowed: Iterable[str]) -> Record | None:
    if given is None:
        return None
    try:
        settings = parse_settings(given) if isinstance(given, str) else flat_settings(given)
    except SettingsInvalid as error:
        raise TextRecordInvalid(error.path, str(error)) from error
    unknown = sorted((settings or {}).keys() - set(allowed))
    if unknown:
        raise TextRecordInvalid("settings", f"unknown settings {', '.join(unknown)}")
    return settings


def _losses(name: str, entry: object) -> Iterable[RecordProblem]:
    """Name the members that the entries on GitHub cannot show."""
    members = entry if isinstance(entry, dict) else {}
    for field in members:
        known = field in ENTRY_FIELDS
        if known and (field not in WITHOUT_COLUMN or members[field] in (DEFAULTS[field], "", None)):
            continue
        yield RecordProblem.of(name, field, "models.csv has no column for it", is_partial=True)
