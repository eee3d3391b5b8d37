"""Reads audit events out of the journal, and replays them (http-write-api.md section 13)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from horde_model_reference.documents import Record
from horde_model_reference.record_events import replayed
from registry.change_record import Form, Operation
from registry.entries import Entry
from registry.history_state import RevisionLine
from registry.state import State
from service_kit.errors import NotFound, RequestRefused
from write_queue.domain.catalogue import Catalogue
from write_queue.modes import Modes
from write_queue.views.event_log import Key, PlannedEvent, model_payloads, planned_events

MAX_ENTRIES: Final = 400
"""Journal entries that one page reads at most; a page of few matches ends early and says where to go on."""

WINDOW: Final = 16
"""Entries read at the same time."""

MAX_REPLAYED_REVISIONS: Final = 200
"""Revisions of a category that are replayed for one request: each may take some milliseconds."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are meant: those that fulfil every criterion that is given."""

    category: str | None = None
    model_name: str | None = None

    def matches(self, event: PlannedEvent) -> bool:
        """Return whether an event is meant."""
        if self.category is not None and event.category != self.category:
            return False
        return self.model_name is None or event.model_name == self.model_name


class EventPages:
    """Pages of events of one state."""

    def __init__(
        self,
        state: State,
        catalogue: Catalogue,
        modes: Modes,
        *,
        max_entries: int = MAX_ENTRIES,
        max_replayed_revisions: int = MAX_REPLAYED_REVISIONS,
    ) -> None:
        self._state = state
        self._catalogue = catalogue
        self._modes = modes
        self._max_entries = max_entries
        self._max_replayed_revisions = max_replayed_revisions

    async def page(self, chosen: EventFilter, *, after: int, limit: int) -> dict[str, Any]:
        """Return at most `limit` events after the given id, and where the next page begins.

        Raises `JournalError`, `StoreUnavailable`.
        """
        found: list[dict[str, Any]] = []
        sequence = _sequence_of(self._state, after + 1)
        last = min(self._state.sequence, sequence + self._max_entries - 1)
        seen = after
        while sequence <= last:
            window = range(sequence, min(sequence + WINDOW, last + 1))
            for entry, _ in await asyncio.gather(*(self._catalogue.journal.read(one) for one in window)):
                ids = _event_ids(self._state, entry.sequence)
                events = await asyncio.to_thread(planned_events, self._state.queue, entry, ids)
                matching = [one for one in events if one.event_id > after and chosen.matches(one)]
                found += await self._values(entry, matching[: limit - len(found)], events)
                if len(found) == limit:
                    return {"events": found, "next_after": found[-1]["event_id"]}
                seen = max(seen, ids.stop - 1)
            sequence = window.stop
        return {"events": found, "next_after": None if last == self._state.sequence else seen}

    async def replay(self, category: str, revision: int) -> tuple[dict[str, Record], int]:
        """Return the v2 records that the events of a category come to, and how many there were.

        Raises `NotFound`, `RequestRefused` where there are too many, `JournalError`, `StoreUnavailable`.
        """
        if revision > self._state.revision:
            raise NotFound(f"there is no revision {revision}")
        revisions = self._state.history.revisions
        lines = [
            revisions[number]
            for number in range(1, revision + 1)
            if any(one.category == category for one in revisions[number].touched)
        ]
        if len(lines) > self._max_replayed_revisions:
            raise RequestRefused(
                f"{category} changed in {len(lines)} revisions, and at most {self._max_replayed_revisions} "
                "are replayed at once: ask for an earlier revision, or page through the events"
            )
        records: dict[str, Record] = {}
        count = 0
        for line in lines:
            count += await self._replay_line(line, category, records)
        return records, count

    async def _replay_line(self, line: RevisionLine, category: str, records: dict[str, Record]) -> int:
        operations: dict[str, list[Operation]] = {}
        for one in line.touched:
            if one.category == category:
                operations.setdefault(one.model_name, []).append(one.operation)
        before, after = await self._sides(line.revision, category, "v2")

        def step() -> None:
            for name, done in operations.items():
                payloads = model_payloads(done, before.get(name), after.get(name))
                record = records.get(name)
                for operation, payload in zip(done, payloads, strict=True):
                    record = replayed(record, operation, payload) if payload else None
                records.pop(name, None)
                if record is not None:
                    records[name] = record

        await asyncio.to_thread(step)
        return sum(len(done) for done in operations.values())

    async def _values(
        self, entry: Entry, chosen: Sequence[PlannedEvent], events: Iterable[PlannedEvent]
    ) -> list[dict[str, Any]]:
        keys = {one.key for one in chosen if one.payload is None}
        payloads = await self._payloads(entry, keys, events) if keys else {}
        return [self._value(entry, one, payloads) for one in chosen]

    async def _payloads(
        self, entry: Entry, keys: set[Key], events: Iterable[PlannedEvent]
    ) -> Mapping[Key, list[dict[str, Any]]]:
        operations: dict[Key, list[Operation]] = {key: [] for key in keys}
        for one in events:
            if one.payload is None and one.key in keys:
                operations[one.key].append(one.operation)
        revision = entry.catalogue.revision if entry.catalogue else 0
        categories = {category for category, _ in keys}
        sides = {one: await self._sides(revision, one, self._modes.form_of(one)) for one in categories}

        def make() -> dict[Key, list[dict[str, Any]]]:
            return {
                (category, name): model_payloads(
                    done, sides[category][0].get(name), sides[category][1].get(name)
                )
                for (category, name), done in operations.items()
            }

        return await asyncio.to_thread(make)

    async def _sides(
        self, revision: int, category: str, form: Form
    ) -> tuple[Mapping[str, Record], Mapping[str, Record]]:
        """Return the records of a category before and after a revision."""
        return (
            await self._records(revision - 1, category, form),
            await self._records(revision, category, form),
        )

    async def _records(self, revision: int, category: str, form: Form) -> Mapping[str, Record]:
        if revision < 1:
            return {}
        ref = await self._catalogue.at(self._state, revision)
        if form == "legacy":
            return await self._catalogue.legacy_records(ref, category)
        return await self._catalogue.records(ref, category)

    def _value(
        self, entry: Entry, event: PlannedEvent, payloads: Mapping[Key, list[dict[str, Any]]]
    ) -> dict[str, Any]:
        if event.payload is None:
            domain: str = self._modes.form_of(event.category)
            payload = payloads[event.key][event.of_model]
        else:
            domain, payload = self._modes.canonical_format, event.payload
        value: dict[str, Any] = {
            "event_id": event.event_id,
            "timestamp": entry.unix_time,
            "domain": domain,
            "category": event.category,
            "model_name": event.model_name,
            "operation": event.operation,
            "logical_user_id": entry.actor,
            "payload": payload,
        }
        return value if event.request_id is None else {**value, "request_id": event.request_id}


def _sequence_of(state: State, event_id: int) -> int:
    """Return the entry that holds the event, or the one after the last if there is no such event yet."""
    low, high = 1, state.sequence + 1
    while low < high:
        middle = (low + high) // 2
        if _event_ids(state, middle).stop <= event_id:
            low = middle + 1
        else:
            high = middle
    return low


def _event_ids(state: State, sequence: int) -> range:
    """Return the event ids of an entry; an empty range where it has none."""
    return range(_first_id(state, sequence), _first_id(state, sequence + 1))


def _first_id(state: State, sequence: int) -> int:
    """Return the first event id of an entry, or of the next one that has any."""
    while sequence <= state.sequence:
        if sequence in state.event_starts:
            return state.event_starts[sequence]
        sequence += 1
    return state.next_event_id
