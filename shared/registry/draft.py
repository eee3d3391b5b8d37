"""What a writer wants to append to the journal."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.catalogue import CatalogueRef
from registry.entries import Answer, Entry, EntryBody
from registry.state import State

MakeAnswer = Callable[[State], Any]
"""Makes the JSON body of the answer from the state after the entry."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A client's name for a request, and the hash of what it asked for."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer that is to be stored with the entry, for when the request is sent again."""

    status: int
    make_body: MakeAnswer
    idempotency_key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry without what the journal adds: sequence, id, hash, answer, and the time if none is given."""

    actor: str
    kind: str
    body: EntryBody
    catalogue: CatalogueRef | None = None
    username: str | None = None
    occurred_at: datetime | None = None
    answer: KeptAnswer | None = None


def make_entry(draft: Draft, *, sequence: int, previous: str, entry_id: str, now: datetime) -> Entry:
    """Complete a draft to the entry that follows the one with the hash `previous`, still without answer."""
    return Entry(
        sequence=sequence,
        entry_id=entry_id,
        previous=previous,
        occurred_at=draft.occurred_at or now,
        actor=draft.actor,
        username=draft.username,
        kind=draft.kind,
        body=draft.body,
        catalogue=draft.catalogue,
    )


def answered(entry: Entry, kept: KeptAnswer, after: State) -> Entry:
    """Return the entry with its answer; `after` is the state with the entry folded in."""
    key = kept.idempotency_key
    answer = Answer(
        key=key.key if key else None,
        fingerprint=key.fingerprint if key else None,
        status=kept.status,
        body=kept.make_body(after),
    )
    return entry.model_copy(update={"answer": answer})
