"""Makes the next state of the queue within one entry."""

from typing import Any

from immutables import Map

from registry.change_record import ChangeEvent, ChangeRecord, ChangeStatus, Stamp
from registry.entries import Entry
from registry.errors import EntryCorrupt
from registry.queue_state import BatchRecord
from registry.state import State


class QueueEditor:
    """Collects what one entry does to changes and batches, numbering audit events on the way."""

    def __init__(self, state: State, entry: Entry) -> None:
        self._before = state
        self._entry = entry
        self._next_event_id = state.next_event_id
        self.queue = state.queue
        self.stamp = Stamp(by=entry.actor, username=entry.username or entry.actor, at=entry.unix_time)

    def state(self) -> State:
        """Return the state with everything done."""
        return self._before.model_copy(update={"queue": self.queue, "next_event_id": self._next_event_id})

    def expect(self, change_id: int, status: ChangeStatus | None = None) -> ChangeRecord:
        """Return a change that must be visible and of this status. Raises `EntryCorrupt`."""
        change = self.queue.find(change_id)
        if change is None or status not in {None, change.status}:
            raise self.misfit(change_id)
        return change

    def expect_revision(self, revision: int) -> None:
        """Raise `EntryCorrupt` unless the revision exists; 0 is the one before the first."""
        if not 0 <= revision <= self._before.revision:
            raise EntryCorrupt(
                f"journal entry {self._entry.sequence} ({self._entry.kind}) is based on revision {revision}, "
                f"after revision {self._before.revision}"
            )

    def misfit(self, change_id: int) -> EntryCorrupt:
        """Return the error of an entry that cannot be about this change."""
        return EntryCorrupt(
            f"journal entry {self._entry.sequence} ({self._entry.kind}) does not fit change {change_id}"
        )

    def add(self, change: ChangeRecord) -> None:
        """Add a new change."""
        payload = {"operation": change.operation, "category": change.category, "model": change.model_name}
        added = self._with_event(change, "enqueue", payload)
        open_ids = (*self.queue.open_by_name.get(change.key, ()), change.change_id)
        self._update(
            changes=self.queue.changes.set(change.change_id, added),
            next_change_id=change.change_id + 1,
            open_by_name=self.queue.open_by_name.set(change.key, open_ids),
        )

    def put(self, change: ChangeRecord, update: dict[str, Any], action: str, payload: dict[str, Any]) -> None:
        """Replace a change by itself with the update, and record the event."""
        updated = change.model_copy(update={"updated_at": self.stamp.at, **update})
        updated = self._with_event(updated, action, payload)
        self._update(changes=self.queue.changes.set(change.change_id, updated))
        if not updated.is_open:
            self._close(updated)

    def take_event_id(self) -> int:
        """Return the next event id."""
        event_id = self._next_event_id
        self._next_event_id += 1
        return event_id

    def open_batch(self) -> int:
        """Return the open batch, after opening one if there is none."""
        if self.queue.open_batch_id is not None:
            return self.queue.open_batch_id
        batch_id = self.queue.last_batch_id + 1
        self._update(open_batch_id=batch_id, last_batch_id=batch_id)
        return batch_id

    def join_batch(self, batch_id: int, change_ids: tuple[int, ...]) -> None:
        """Add changes to a batch."""
        known = self.queue.batches.get(batch_id)
        members = (*known.change_ids, *change_ids) if known else change_ids
        self._set_batch(batch_id, members)

    def leave_batch(self, change_ids: tuple[int, ...]) -> None:
        """Take changes out of the open batch."""
        batch_id = self.open_batch()
        gone = frozenset(change_ids)
        batch = self.queue.batches[batch_id]
        self._set_batch(batch_id, tuple(one for one in batch.change_ids if one not in gone))

    def change_approved(self, *, added: tuple[int, ...] = (), removed: tuple[int, ...] = ()) -> None:
        """Note which changes wait to be applied; without any the batch is not open any more."""
        gone = frozenset(removed)
        kept = [one for one in self.queue.approved_ids if one not in gone]
        approved = tuple(sorted([*kept, *added])) if added else tuple(kept)
        self._update(approved_ids=approved, open_batch_id=self.queue.open_batch_id if approved else None)

    def split_batch(self) -> None:
        """Move what waits to be applied, if anything does, from the open batch into a new one."""
        rest, original = self.queue.approved_ids, self.queue.open_batch_id
        if original is None:
            return
        new = self.queue.last_batch_id + 1
        self.leave_batch(rest)
        self._update(open_batch_id=new, last_batch_id=new)
        started = BatchRecord(batch_id=new, change_ids=rest, moved_ids=rest)
        self._update(batches=self.queue.batches.set(new, started))
        self.take_event_id()

    def _with_event(self, change: ChangeRecord, action: str, payload: dict[str, Any]) -> ChangeRecord:
        event = ChangeEvent(
            event_id=self.take_event_id(),
            timestamp=self.stamp.at,
            action=action,
            logical_user_id=self.stamp.by,
            payload={"action": action, "change_id": change.change_id, **payload},
        )
        return change.model_copy(update={"events": (*change.events, event)})

    def _close(self, change: ChangeRecord) -> None:
        open_ids = self.queue.open_by_name.get(change.key, ())
        rest = tuple(one for one in open_ids if one != change.change_id)
        by_name: Map[str, tuple[int, ...]] = self.queue.open_by_name
        if rest:
            by_name = by_name.set(change.key, rest)
        elif open_ids:
            by_name = by_name.delete(change.key)
        self._update(open_by_name=by_name)

    def _set_batch(self, batch_id: int, change_ids: tuple[int, ...]) -> None:
        known = self.queue.batches.get(batch_id, BatchRecord(batch_id=batch_id, change_ids=()))
        record = known.model_copy(update={"change_ids": change_ids})
        self._update(batches=self.queue.batches.set(batch_id, record))

    def _update(self, **update: Any) -> None:  # noqa: ANN401 - the fields of the state
        self.queue = self.queue.model_copy(update=update)
