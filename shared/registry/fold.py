"""The fold: one pure, deterministic function from a state and the next entry to the next state."""

from typing import Any, Final

from registry.catalogue import CatalogueRef
from registry.change_record import model_key
from registry.entries import Entry
from registry.errors import ChainBroken, EntryCorrupt
from registry.history_state import HistoryState, RevisionLine
from registry.kinds import KINDS
from registry.state import AnsweredKey, State, answered_key

ANSWERS_KEPT_SECONDS: Final = 24 * 3600
ANSWERS_KEPT_ENTRIES: Final = 1024
"""Of so many entries the keys are kept however old they are: one clock that is wrong forgets nothing new."""

FORGET_EVERY: Final = 64
"""Old idempotency keys are looked for at every so many entries: looking costs a walk over all of them."""


def fold(state: State, entry: Entry, entry_hash: str) -> State:
    """Return the state after `entry`, whose stored bytes hash to `entry_hash`.

    Raises `ChainBroken` when the entry does not follow the state, `EntryCorrupt` when it does not fit it.
    """
    if entry.sequence != state.sequence + 1:
        raise ChainBroken(f"journal entry {entry.sequence} does not follow {state.sequence}")
    if entry.previous != state.head_hash:
        raise ChainBroken(
            f"journal entry {entry.sequence} does not continue entry {state.sequence}: "
            f"it names {entry.previous[:12]}... as the hash before it, which is {state.head_hash[:12]}..."
        )
    _require_catalogue_of_kind(entry)
    after = KINDS[entry.kind].step(state, entry)
    update: dict[str, Any] = {"sequence": entry.sequence, "head_hash": entry_hash}
    if entry.catalogue is not None:
        update |= _catalogue_update(state, entry, entry.catalogue)
    if after.next_event_id != state.next_event_id:
        update["event_starts"] = state.event_starts.set(entry.sequence, state.next_event_id)
    return _with_answers(after, entry).model_copy(update=update)


def _require_catalogue_of_kind(entry: Entry) -> None:
    carries = KINDS[entry.kind].catalogue
    if carries != "maybe" and (carries == "always") != (entry.catalogue is not None):
        raise EntryCorrupt(f"journal entry {entry.sequence} ({entry.kind}) must {carries} make a revision")


def _catalogue_update(state: State, entry: Entry, catalogue: CatalogueRef) -> dict[str, Any]:
    if catalogue.revision != state.revision + 1:
        raise EntryCorrupt(
            f"journal entry {entry.sequence} makes revision {catalogue.revision} after {state.revision}"
        )
    return {
        "catalogue": catalogue,
        "catalogue_sequence": entry.sequence,
        "committed_at": entry.occurred_at,
        "history": _next_history(state.history, entry, catalogue.revision),
    }


def _next_history(history: HistoryState, entry: Entry, revision: int) -> HistoryState:
    kind = KINDS[entry.kind]
    touched = kind.touched(entry.body)
    line = RevisionLine.model_validate(
        {
            "revision": revision,
            "sequence": entry.sequence,
            "occurred_at": entry.occurred_at,
            "actor": entry.actor,
            "username": entry.username,
            "kind": entry.kind,
            "touched": touched,
            **kind.facts(entry.body),
        }
    )
    by_model = history.by_model.mutate()
    for one in touched:
        key = model_key(one.category, one.model_name)
        revisions = by_model.get(key, ())
        if not revisions or revisions[-1] != revision:
            by_model[key] = (*revisions, revision)
    return HistoryState(revisions=history.revisions.set(revision, line), by_model=by_model.finish())


def _with_answers(state: State, entry: Entry) -> State:
    answered = state.answered
    if entry.sequence % FORGET_EVERY == 0:
        oldest = entry.unix_time - ANSWERS_KEPT_SECONDS
        newest_old = entry.sequence - ANSWERS_KEPT_ENTRIES
        kept = answered.mutate()
        for name, one in answered.items():
            if one.at < oldest and one.sequence <= newest_old:
                del kept[name]
        answered = kept.finish()
    if entry.answer is not None and entry.answer.key is not None:
        known = AnsweredKey(
            fingerprint=entry.answer.fingerprint or "", sequence=entry.sequence, at=entry.unix_time
        )
        answered = answered.set(answered_key(entry.actor, entry.answer.key), known)
    return state if answered is state.answered else state.model_copy(update={"answered": answered})
