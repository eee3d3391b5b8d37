"""One record is written or removed, in either format; the documents of both formats follow."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel

from horde_model_reference.backends.base import RecordLike
from horde_model_reference.change_renderer import apply_changes, open_legacy
from horde_model_reference.documents import CategoryDocuments, Create, Delete, Record
from horde_model_reference.legacy_changes import LegacyPut, apply_legacy_changes
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, OperationType
from horde_model_reference.proposals.replacement import replacement, with_carried_over
from horde_model_reference.v2_format import RecordInvalid, parse_v2


@dataclass(frozen=True, slots=True)
class Edited:
    """The documents after an edit, and what was done to the record."""

    documents: CategoryDocuments
    operation: OperationType


Edit = Callable[[CategoryDocuments, int], Edited]
"""Makes the documents after from those before; the number is the time in Unix seconds."""


def plain_record(record: RecordLike) -> Record:
    """Return a record as a JSON object; what a record class leaves open is left out."""
    if isinstance(record, BaseModel):
        return record.model_dump(mode="json", by_alias=True, exclude_none=True)
    return dict(record)


def put_v2(category: str, name: str, given: RecordLike) -> Edit:
    """Make the record of that name what is given: no field more, none less; its creation stays what it was.

    Raises `RecordInvalid`.
    """

    def edit(documents: CategoryDocuments, now: int) -> Edited:
        record = plain_record(given)
        before = parse_v2(documents.v2).get(name)
        if before is None:
            changes = [Create(name, record)]
            return Edited(apply_changes(category, documents, changes, now=now, author=None), _CREATE)
        _require_name(category, name, record, before)
        update = replacement(before, with_carried_over(before, {**record, "name": name}))
        return Edited(apply_changes(category, documents, [update], now=now, author=None), _UPDATE)

    return edit


def delete_v2(category: str, name: str) -> Edit:
    """Remove the record. Raises `KeyError` when there is none."""

    def edit(documents: CategoryDocuments, now: int) -> Edited:
        if name not in parse_v2(documents.v2):
            raise _unknown(category, name)
        changes = [Delete(name)]
        return Edited(apply_changes(category, documents, changes, now=now, author=None), _DELETE)

    return edit


def put_legacy(category: str, name: str, given: RecordLike) -> Edit:
    """Make the legacy record of that name what is given; v2 follows by conversion. Raises `RecordInvalid`."""

    def edit(documents: CategoryDocuments, now: int) -> Edited:
        operation = _UPDATE if _is_there(category, documents, name) else _CREATE
        changes = [LegacyPut(name, {"name": name, **plain_record(given)})]
        after = apply_legacy_changes(category, documents, changes, now=now, author=None)
        return Edited(after, operation)

    return edit


def delete_legacy(category: str, name: str) -> Edit:
    """Remove the legacy record and its v2 form. Raises `KeyError` when there is none."""

    def edit(documents: CategoryDocuments, now: int) -> Edited:
        if not _is_there(category, documents, name):
            raise _unknown(category, name)
        changes = [Delete(name)]
        after = apply_legacy_changes(category, documents, changes, now=now, author=None)
        return Edited(after, _DELETE)

    return edit


_CREATE, _UPDATE, _DELETE = OperationType.create, OperationType.update, OperationType.delete


def _is_there(category: str, documents: CategoryDocuments, name: str) -> bool:
    """Say whether the record is there in any format: one that v2 cannot hold is in the legacy file alone."""
    if name in parse_v2(documents.v2):
        return True
    is_text = category == MODEL_REFERENCE_CATEGORY.text_generation
    return not is_text and documents.legacy is not None and name in open_legacy(category, documents.legacy)[1]


def _require_name(category: str, name: str, record: Record, before: Record) -> None:
    """Refuse another name inside the record than the model's: of real records one differs from its key."""
    given = record.get("name", name)
    if given not in {name, before.get("name", name)}:
        raise RecordInvalid(category, name, "name", f"is {given!r}, not the model's name")


def _unknown(category: str, name: str) -> KeyError:
    return KeyError(f"{category}: {name!r} does not exist")
