"""The queue of changes, as the journal folds into it."""

from collections.abc import Iterator
from typing import Final

from immutables import Map

from registry.catalogue import FrozenModel
from registry.change_record import ChangeRecord
from registry.persistent_map import PersistentMap


class BatchRecord(FrozenModel):
    """Changes that were decided together: those approved and those rejected with them, in that order.

    `moved_ids` are those with which it began as the rest of another batch, of which a part was applied.
    """

    batch_id: int
    change_ids: tuple[int, ...]
    moved_ids: tuple[int, ...] = ()


class QueueState(FrozenModel):
    """Every change ever proposed, and the indexes that decisions need.

    `approved_ids` are the changes of the open batch that wait to be applied, ascending.
    `open_by_name` holds the pending and approved changes of each model.
    """

    changes: PersistentMap[int, ChangeRecord] = Map()
    next_change_id: int = 1
    last_batch_id: int = 0
    open_batch_id: int | None = None
    approved_ids: tuple[int, ...] = ()
    open_by_name: PersistentMap[str, tuple[int, ...]] = Map()
    batches: PersistentMap[int, BatchRecord] = Map()

    def find(self, change_id: int) -> ChangeRecord | None:
        """Return the change, unless it does not exist or is hidden."""
        change = self.changes.get(change_id)
        return None if change is None or change.hidden else change

    def visible(self) -> Iterator[ChangeRecord]:
        """Yield the changes that are not hidden, by ascending id."""
        for change_id in range(1, self.next_change_id):
            change = self.changes[change_id]
            if not change.hidden:
                yield change

    def batch_id_of(self, change: ChangeRecord) -> int | None:
        """Return the batch that a change belongs to now."""
        if change.status == "approved" and change.batch_id is None:
            return self.open_batch_id
        return change.batch_id

    def open_changes(self, key: str) -> Iterator[ChangeRecord]:
        """Yield the pending and approved changes of a model, oldest first; see `model_key`."""
        for change_id in self.open_by_name.get(key, ()):
            yield self.changes[change_id]


EMPTY_QUEUE: Final = QueueState()
