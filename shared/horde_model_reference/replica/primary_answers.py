"""What a PRIMARY answers, as values."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from horde_model_reference.lenient_json import UnusableJson, read_object
from horde_model_reference.replica.event_stream import ServerSentEvent
from horde_model_reference.replica.json_documents import Records, records_of

EventKind = Literal["head", "committed", "reset"]


class FetchedDocument(NamedTuple):
    """The v2 document of a category, as it was served and read."""

    category: str
    body: bytes
    value: Records
    etag: str | None
    revision: int | None


class NotModified(NamedTuple):
    """What is known already is what the server has; `revision` is the one that it looked at."""

    revision: int | None


class LegacyDocument(NamedTuple):
    """The legacy document of a category: JSON, unchanged."""

    body: bytes
    etag: str | None
    revision: int | None


class CategoryChanges(NamedTuple):
    """New records, records that are different now, and keys that are gone."""

    added: Records
    changed: Records
    removed: tuple[str, ...]


class Changes(NamedTuple):
    """From one revision to another. A category without changes is absent."""

    from_revision: int
    to_revision: int
    categories: Mapping[str, CategoryChanges]


class Bundle(NamedTuple):
    """Everything of one revision. `v1` are the legacy documents as texts, where they were asked for."""

    revision: int
    v2: dict[str, Records]
    v1: dict[str, str] | None
    side_data: dict[str, Any]
    metadata: dict[str, Any]


class RevisionEvent(NamedTuple):
    """`head`: what is served as the stream begins; `committed`: a new revision; `reset`: too much was missed.

    `categories` are those that a new revision touched, None where that is not known.
    """

    kind: EventKind
    revision: int
    categories: frozenset[str] | None


Fetched = FetchedDocument | NotModified

_KINDS: Final[Mapping[str, EventKind]] = {
    "catalog.head": "head",
    "catalog.committed": "committed",
    "catalog.reset": "reset",
}


def read_changes(body: bytes) -> Changes:
    """Read the answer of `changes`. Raises `UnusableJson`."""
    value = read_object(body)
    categories = _object(value, "categories")
    return Changes(
        from_revision=_revision(value, "from"),
        to_revision=_revision(value, "to"),
        categories={name: _category_changes(_object(categories, name)) for name in categories},
    )


def read_bundle(body: bytes) -> Bundle:
    """Read the answer of `bundle`. Raises `UnusableJson`."""
    value = read_object(body)
    v1 = value.get("v1")
    return Bundle(
        revision=_revision(value, "revision"),
        v2={name: records_of(records) for name, records in _object(value, "v2").items()},
        v1=None if v1 is None else _texts(v1),
        side_data=_object(value, "side_data"),
        metadata=_object(value, "metadata"),
    )


def read_event(event: ServerSentEvent) -> RevisionEvent | None:
    """Read an event; None for one of another kind, as later servers may send. Raises `UnusableJson`."""
    kind = _KINDS.get(event.event)
    if kind is None:
        return None
    value = read_object(event.data.encode())
    touched = value.get("categories")
    return RevisionEvent(
        kind=kind,
        revision=_revision(value, "revision"),
        categories=frozenset(touched) if kind == "committed" and isinstance(touched, dict) else None,
    )


def _category_changes(value: dict[str, Any]) -> CategoryChanges:
    removed = value.get("removed")
    if not isinstance(removed, list) or not all(isinstance(name, str) for name in removed):
        raise UnusableJson("'removed' is not a list of names")
    added, changed = (records_of(_object(value, name)) for name in ("added", "changed"))
    return CategoryChanges(added, changed, tuple(removed))


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    if not isinstance(found, dict):
        raise UnusableJson(f"{name!r} is not an object")
    return found


def _revision(value: dict[str, Any], name: str) -> int:
    found = value.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise UnusableJson(f"{name!r} is not a revision")
    return found


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise UnusableJson("'v1' is not an object of texts")
    return value
