"""The fold: one pure, deterministic function from a state and the next entry to the next state."""

from registry.entries import Entry
from registry.errors import ChainBroken, EntryCorrupt
from registry.kinds import KINDS
from registry.state import State


def fold(state: State, entry: Entry, entry_hash: str) -> State:
    """Return the state after `entry`, whose stored bytes hash to `entry_hash`.

    Raises `ChainBroken` when the entry does not follow the state, `EntryCorrupt` when its revision does not.
    """
    if entry.sequence != state.sequence + 1:
        raise ChainBroken(f"journal entry {entry.sequence} does not follow {state.sequence}")
    if entry.previous != state.head_hash:
        raise ChainBroken(
            f"journal entry {entry.sequence} does not continue entry {state.sequence}: "
            f"it names {entry.previous[:12]}... as the hash before it, which is {state.head_hash[:12]}..."
        )
    stepped = KINDS[entry.kind].step(state, entry)
    return _with_catalogue(stepped, entry).model_copy(
        update={"sequence": entry.sequence, "head_hash": entry_hash}
    )


def _with_catalogue(state: State, entry: Entry) -> State:
    if entry.catalogue is None:
        return state
    if entry.catalogue.revision != state.revision + 1:
        raise EntryCorrupt(
            f"journal entry {entry.sequence} makes revision {entry.catalogue.revision} after {state.revision}"
        )
    return state.model_copy(
        update={
            "catalogue": entry.catalogue,
            "catalogue_sequence": entry.sequence,
            "committed_at": entry.occurred_at,
        }
    )
