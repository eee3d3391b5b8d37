"""Changes to legacy records, rendered into both formats at once: for data whose canonical form is legacy.

v2 follows by conversion (data-model.md section 5). What legacy cannot say about a record is kept from the
stored v2 record: when and by whom it was made, `finetune_series`, `size_bytes` of a file that is still the
same, `known_slow_download` while the URL stays, in the small categories `size_on_disk_bytes`; of text models
their group, their exception from its naming schema, and everything else that an entry does not show.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from horde_model_reference.change_renderer import (
    created_metadata,
    open_legacy,
    require_name,
    updated_metadata,
)
from horde_model_reference.documents import (
    CategoryDocuments,
    Change,
    ChangeRefused,
    Create,
    Delete,
    Record,
    Update,
)
from horde_model_reference.legacy.kept_fields import with_kept_fields
from horde_model_reference.legacy.key_order import without_nulls
from horde_model_reference.legacy.record_order import ordered_record
from horde_model_reference.legacy.to_v2 import convert_legacy_record
from horde_model_reference.meta_consts import (
    MODEL_REFERENCE_CATEGORY,
    get_category_descriptor,
    is_registered_category,
)
from horde_model_reference.strict_json import printable, same_json
from horde_model_reference.text_documents import TextOpener, apply_text_changes
from horde_model_reference.text_legacy_records import changed_v2_fields, v2_of_legacy_text
from horde_model_reference.v2_format import RecordInvalid, parse_v2, render_v2


@dataclass(frozen=True, slots=True)
class LegacyPut:
    """A legacy record under a name: a new one, or in place of the whole record that is there.

    Without `author` it is by whom the others are.
    """

    name: str
    record: Record
    author: str | None = None


LegacyChange = LegacyPut | Delete


def apply_legacy_changes(
    category: str,
    documents: CategoryDocuments,
    changes: Iterable[LegacyChange],
    *,
    now: int,
    author: str | None,
    opener: TextOpener | None = None,
) -> CategoryDocuments:
    """Return the documents after the changes, made in order; without changes the very same documents.

    A record that could not become a v2 record is refused; such records that are there already stay and hinder
    no change of another. In the legacy document only the touched records are written anew, in the style of
    the file. `now` is in Unix seconds, `opener` helps with text models (`apply_text_changes`). Raises
    `ChangeRefused` (then nothing has happened) and, for documents that cannot be read, `SourceUnreadable`.
    """
    changes = tuple(changes)
    if not is_registered_category(category) or not get_category_descriptor(category).has_legacy_format:
        raise ChangeRefused(f"{category} has no legacy form")
    if not changes:
        return documents
    if category == MODEL_REFERENCE_CATEGORY.text_generation:
        translated = _text_changes(parse_v2(documents.v2), changes)
        return apply_text_changes(documents, translated, now=now, author=author, opener=opener)
    edit = _LegacyEdit(category, documents, now, author)
    for change in changes:
        edit.apply(change)
    return edit.documents()


class _LegacyEdit:
    """Both documents of a JSON category while legacy records are changed."""

    def __init__(self, category: str, documents: CategoryDocuments, now: int, author: str | None) -> None:
        self._category = category
        self._now = now
        self._author = author
        self._records = parse_v2(documents.v2)
        self._text, self._originals = open_legacy(category, documents.legacy)

    def apply(self, change: LegacyChange) -> None:
        match change:
            case LegacyPut():
                self._put(change.name, without_nulls(change.record), change.author or self._author)
            case Delete():
                self._delete(change.name)

    def documents(self) -> CategoryDocuments:
        return CategoryDocuments(v2=render_v2(self._records), legacy=self._text.render())

    def _put(self, name: str, given: Record, author: str | None) -> None:
        stored, original = self._records.get(name), self._originals.get(name)
        if stored is None and name not in self._originals:
            require_name(self._category, name)
        converted = convert_legacy_record(self._category, name, given)
        if converted["name"] not in self._names_of(name):
            raise RecordInvalid(
                self._category, name, "name", f"is {converted['name']!r}, not the model's name"
            )
        record = with_kept_fields(self._category, name, converted, stored)
        record["metadata"] = self._metadata(stored, record["metadata"], author)
        self._records[name] = record
        legacy = ordered_record(self._category, given, original if isinstance(original, dict) else None)
        if not isinstance(original, dict):
            self._text.put(name, legacy)
        elif not same_json(original, legacy):
            self._text.replace(name, legacy)
        self._originals[name] = legacy

    def _metadata(self, stored: Record | None, given: Record, author: str | None) -> Record:
        if stored is None:
            return created_metadata(given, self._now, author)
        return updated_metadata(stored.get("metadata", {}), given, self._now, author)

    def _names_of(self, key: str) -> set[str]:
        """Return what a record may call itself: real records exist that differ from their key."""
        stored = self._records.get(key)
        return {key} if stored is None else {key, stored["name"]}

    def _delete(self, name: str) -> None:
        if name not in self._records and name not in self._originals:
            raise ChangeRefused(printable(f"{self._category}: {name!r} does not exist"))
        self._records.pop(name, None)
        self._originals.pop(name, None)
        self._text.remove(name)


def _text_changes(records: dict[str, Record], changes: Sequence[LegacyChange]) -> list[Change]:
    """Translate changes of entries into changes of the v2 records that they are the expansion of."""
    translated: list[Change] = []
    for change in changes:
        if isinstance(change, Delete):
            records.pop(change.name, None)
            translated.append(change)
        else:
            edit = _text_edit(change, records.get(change.name))
            records[change.name] = _after(records.get(change.name), edit)
            translated.append(edit)
    return translated


def _text_edit(change: LegacyPut, stored: Record | None) -> Create | Update:
    if stored is None:
        return Create(change.name, v2_of_legacy_text(change.name, change.record), change.author)
    new, gone = changed_v2_fields(change.name, stored, change.record)
    return Update(change.name, new, gone, change.author)


def _after(stored: Record | None, edit: Create | Update) -> Record:
    if isinstance(edit, Create):
        return edit.record
    fields = {**(stored or {}), **edit.set}
    return {field: value for field, value in fields.items() if field not in edit.unset}
