"""What a replica holds at one moment, and how the next moment is made of it. Pure, and quick.

All records that came from one service of our kind are those of one revision: a reader that looks at two
categories, or twice, never sees half an update (architecture.md section 5).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from horde_model_reference.garbage_pause import garbage_pause
from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.record_building import build_records
from horde_model_reference.replica.copy_facts import Origin
from horde_model_reference.replica.errors import SourceUnusable
from horde_model_reference.replica.json_documents import Records as RawRecords
from horde_model_reference.replica.primary_answers import CategoryChanges, Changes
from horde_model_reference.replica.raw_document import RawDocument

Records = Mapping[str, GenericModelRecord]


@dataclass(frozen=True, slots=True)
class Entry:
    """One category: the JSON, and the records that could be built from it, by their own names.

    `names` leads from the keys of the JSON to the names of the records, where the two differ. `anchored`: the
    content is that of the catalogue's revision. `etag` is that of the document as the service sent it.
    `stored`: it lies on the disk, or what lies there is better. `saved_at`: the revision of a copy.
    """

    raw: RawDocument
    records: Records
    names: Mapping[str, str]
    origin: Origin
    etag: str | None = None
    anchored: bool = False
    stored: bool = False
    saved_at: int | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Categories at one moment. `revision`: of the service, None as long as none of our kind was asked."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    revision: int | None = None

    @property
    def anchored(self) -> frozenset[str]:
        """The categories whose content is that of the revision."""
        return frozenset(name for name, entry in self.entries.items() if entry.anchored)

    def with_entries(self, entries: Mapping[str, Entry], revision: int | None) -> "Catalogue":
        """Return the catalogue with other entries, at a revision."""
        return Catalogue({**self.entries, **entries}, revision)

    def without_anchors(self) -> "Catalogue":
        """Return the same content, of which nobody says any more which revision it is."""
        loose = {name: replace(entry, anchored=False) for name, entry in self.entries.items()}
        return Catalogue(loose, None)

    def advanced(self, changes: Changes) -> "Catalogue":
        """Return the catalogue after the changes. Raises `SourceUnusable` if they begin somewhere else."""
        if changes.from_revision != self.revision or changes.to_revision < changes.from_revision:
            raise SourceUnusable(f"changes since {changes.from_revision}, not since {self.revision}")
        touched = {
            name: changed_entry(name, self.entries[name], item)
            for name, item in changes.categories.items()
            if name in self.anchored
        }
        return self.with_entries(touched, changes.to_revision)


NOTHING: Final = Catalogue()


def entry_of(  # noqa: PLR0913 - the fields of what it makes
    category: str,
    body: bytes,
    value: RawRecords,
    *,
    origin: Origin,
    etag: str | None = None,
    anchored: bool = False,
    stored: bool = False,
) -> Entry:
    """Build the records of a document. Raises `SourceUnusable` if there are some, but none that is valid."""
    with garbage_pause():
        built = build_records(category, value)
    if value and not built.records:
        raise SourceUnusable(f"{category}: none of {len(value)} records is valid")
    return Entry(RawDocument(body), built.records, _names(value), origin, etag, anchored, stored)


def changed_entry(category: str, entry: Entry, changes: CategoryChanges) -> Entry:
    """Return the entry after changes; records that did not change stay the same objects, in their places."""
    raw = entry.raw.changed_by(changes)
    replaced = {**changes.changed, **changes.added}
    touched = {*changes.removed, *replaced}
    odd = {**entry.names, **_names(replaced)}
    if touched & {*odd, *odd.values()}:  # more than one key may stand for a name: only the whole tells which
        value = raw.value()
        names = {odd.get(key, key) for key in touched} | {entry.names.get(key, key) for key in touched}
        built = build_records(category, value).records
        kept = {name: entry.records.get(name, item) for name, item in built.items() if name not in names}
        return _with_content(entry, raw, built | kept, _names(value))
    built = build_records(category, replaced).records
    gone = touched - built.keys()
    records = {name: item for name, item in entry.records.items() if name not in gone} | built
    return _with_content(entry, raw, records, entry.names)


def _with_content(entry: Entry, raw: RawDocument, records: Records, names: Mapping[str, str]) -> Entry:
    """Return the entry with another content, of which no document and no copy is known."""
    return replace(entry, raw=raw, records=records, names=names, etag=None, stored=False, saved_at=None)


def rebuilt(category: str, entry: Entry) -> Entry:
    """Return the entry with fresh records."""
    return replace(entry, records=build_records(category, entry.raw.value()).records)


def differing(before: Catalogue, after: Catalogue) -> list[str]:
    """Return the categories whose content differs."""
    return [name for name, entry in after.entries.items() if not _same(before.entries.get(name), entry)]


def _same(before: Entry | None, after: Entry) -> bool:
    return before is not None and (before.records is after.records or before.raw == after.raw)


def _names(value: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    pairs: Iterable[tuple[str, object]] = ((key, record.get("name", key)) for key, record in value.items())
    return {key: name for key, name in pairs if isinstance(name, str) and name != key}
