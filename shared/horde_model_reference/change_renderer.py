"""Changes to v2 records, rendered into both formats at once (data-model.md section 6)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from horde_model_reference.documents import (
    CategoryDocuments,
    Change,
    ChangeRefused,
    Create,
    Delete,
    Record,
    Update,
)
from horde_model_reference.legacy.from_v2 import fresh_legacy_record
from horde_model_reference.legacy.merge import merge_legacy
from horde_model_reference.legacy.source_text import LegacyText
from horde_model_reference.meta_consts import (
    MODEL_REFERENCE_CATEGORY,
    get_category_descriptor,
    is_registered_category,
)
from horde_model_reference.strict_json import find_flaw, read_json_object
from horde_model_reference.text_documents import TextOpener, apply_text_changes
from horde_model_reference.v2_format import RecordInvalid, parse_v2, render_v2, validate_record

EMPTY_FILE: Final = b"{}\n"


def apply_changes(
    category: str,
    documents: CategoryDocuments,
    changes: Iterable[Change],
    *,
    now: int,
    author: str | None,
    opener: TextOpener | None = None,
) -> CategoryDocuments:
    """Return the documents after the changes, made in order; without changes the very same documents.

    v2 stores what was given, in normal form. In the legacy document only the records that a change shows in
    are written anew, in the style of the file; all others keep their bytes. `now` is in Unix seconds;
    `opener` helps with text models (`apply_text_changes`). Raises `ChangeRefused` (then nothing has happened)
    and, for documents that cannot be read, `SourceUnreadable`.
    """
    changes = tuple(changes)
    if not changes:
        return documents
    if category == MODEL_REFERENCE_CATEGORY.text_generation:
        return apply_text_changes(documents, changes, now=now, author=author, opener=opener)
    if not is_registered_category(category):
        raise ChangeRefused(f"the category {category!r} is not known")
    edit = _CategoryEdit(category, documents, now, author)
    for change in changes:
        edit.apply(change)
    return edit.documents()


def open_legacy(category: str, legacy: bytes | None) -> tuple[LegacyText, dict[str, Record]]:
    """Return the legacy document of a JSON category, to be edited, and the records in it.

    A record that cannot be used is None there. Raises `SourceUnreadable`.
    """
    source = read_json_object(legacy or EMPTY_FILE, "the legacy document")
    text = LegacyText(source)
    originals = {name: item.value for name, item in source.members.items()}
    if category == MODEL_REFERENCE_CATEGORY.image_generation and not text.is_canonical:
        text.make_canonical(originals)
    return text, originals


def require_name(category: str, name: str) -> None:
    """Raise `RecordInvalid` unless a new record can have the name."""
    if not name.strip():
        raise RecordInvalid(category, name, "name", "must not be blank")
    if "\\" in name:
        raise RecordInvalid(category, name, "name", "must not hold a backslash")
    if find_flaw(name):
        raise RecordInvalid(category, name, "name", "holds a lone surrogate")


def created_metadata(given: Record, now: int, author: str | None) -> Record:
    """Return the metadata of a new record (data-model.md section 9)."""
    stamps: Record = {"created_at": now, "updated_at": now, **given}
    return stamps if author is None else {**stamps, "created_by": author}


def updated_metadata(stored: Record, given: Record, now: int, author: str | None) -> Record:
    """Return the metadata of a changed record: its creation stays what it was."""
    stamps: Record = {**given, "updated_at": now}
    for key in ("created_at", "created_by"):
        if key in stored:
            stamps[key] = stored[key]
    return stamps if author is None else {**stamps, "updated_by": author}


@dataclass(slots=True)
class _Update:
    """What happens to a record: its v2 form before, and the fields that are removed or set to null."""

    before: Record
    removed: set[str] = field(default_factory=set)

    def add(self, change: Update) -> None:
        self.removed |= {key for key, value in change.set.items() if value is None}
        self.removed -= {key for key, value in change.set.items() if value is not None}
        self.removed |= set(change.unset)


class _CategoryEdit:
    """Both documents of a JSON category while changes are made."""

    def __init__(self, category: str, documents: CategoryDocuments, now: int, author: str | None) -> None:
        self._category = category
        self._now = now
        self._author = author
        self._records = parse_v2(documents.v2)
        self._text: LegacyText | None = None
        self._originals: dict[str, Record] = {}
        self._updated: dict[str, _Update] = {}
        if documents.legacy is not None or get_category_descriptor(category).has_legacy_format:
            self._text, self._originals = open_legacy(category, documents.legacy)

    def apply(self, change: Change) -> None:
        match change:
            case Create():
                self._create(change)
            case Update():
                self._update(change)
            case Delete():
                self._delete(change)

    def documents(self) -> CategoryDocuments:
        legacy = None if self._text is None else self._edited_legacy(self._text)
        return CategoryDocuments(v2=render_v2(self._records), legacy=legacy)

    def _create(self, change: Create) -> None:
        name = change.name
        require_name(self._category, name)
        if name in self._records:
            raise ChangeRefused(f"{self._category}: {name!r} exists already")
        record = self._valid(name, {"name": name, **change.record})
        record["metadata"] = created_metadata(record["metadata"], self._now, change.author or self._author)
        self._records[name] = record
        if self._text is not None:
            self._originals.pop(name, None)
            self._text.put(name, fresh_legacy_record(self._category, record))

    def _update(self, change: Update) -> None:
        name = change.name
        before = self._record(name)
        fields = {**before, **change.set}
        after = self._valid(name, {key: fields[key] for key in fields if key not in change.unset}, before)
        stored = before.get("metadata", {})
        author = change.author or self._author
        after["metadata"] = updated_metadata(stored, after["metadata"], self._now, author)
        self._records[name] = after
        if name in self._originals:
            self._updated.setdefault(name, _Update(before)).add(change)
        elif self._text is not None:
            self._text.put(name, fresh_legacy_record(self._category, after))

    def _edited_legacy(self, text: LegacyText) -> bytes:
        """Merge what all updates of a record come to: one that is taken back leaves no trace."""
        for name, update in self._updated.items():
            original, after = self._originals[name], self._records[name]
            merged = merge_legacy(self._category, original, update.before, after, update.removed)
            if merged is not original:
                text.replace(name, merged)
        return text.render()

    def _delete(self, change: Delete) -> None:
        name = change.name
        self._record(name)
        del self._records[name]
        self._updated.pop(name, None)
        self._originals.pop(name, None)
        if self._text is not None:
            self._text.remove(name)

    def _record(self, name: str) -> Record:
        try:
            return self._records[name]
        except KeyError:
            raise ChangeRefused(f"{self._category}: {name!r} does not exist") from None

    def _valid(self, name: str, record: Mapping[str, Any], before: Record | None = None) -> Record:
        valid = validate_record(self._category, name, record)
        if valid["name"] not in {name, before["name"] if before else name}:
            raise RecordInvalid(self._category, name, "name", f"is {valid['name']!r}, not the model's name")
        return valid
