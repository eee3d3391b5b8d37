"""The state of the system: what the journal folds into."""

from immutables import Map
from pydantic import AwareDatetime

from registry.catalogue import CatalogueRef, FrozenModel
from registry.entries import FIRST_PREVIOUS
from registry.history_state import EMPTY_HISTORY, HistoryState
from registry.persistent_map import PersistentMap
from registry.queue_state import EMPTY_QUEUE, QueueState


class AnsweredKey(FrozenModel):
    """An idempotency key that was used: by which request, and the entry that holds the answer."""

    fingerprint: str
    sequence: int
    at: int


class State(FrozenModel):
    """The journal up to `sequence`, folded. Every instance that folds the same entries has the same state.

    `answered` holds the idempotency keys of at least the last day by user and key (`answered_key`),
    `event_starts` the first event id of each entry that made audit events.
    """

    sequence: int = 0
    head_hash: str = FIRST_PREVIOUS
    catalogue: CatalogueRef | None = None
    catalogue_sequence: int = 0
    committed_at: AwareDatetime | None = None
    seeded_from: str | None = None
    queue: QueueState = EMPTY_QUEUE
    history: HistoryState = EMPTY_HISTORY
    answered: PersistentMap[str, AnsweredKey] = Map()
    next_event_id: int = 1
    event_starts: PersistentMap[int, int] = Map()

    @property
    def revision(self) -> int:
        """The revision of the catalogue; 0 while there is none."""
        return self.catalogue.revision if self.catalogue else 0


def answered_key(user_id: str, key: str) -> str:
    """Return the name of a user's idempotency key in `State.answered`: keys of others do not matter."""
    return f"{user_id}:{key}"
