"""Editors at a steady rate: each change goes through proposal, decision and apply, and is kept in mind."""

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from chaos.client_log import Operation, Verdict
from chaos.client_plan import Sides
from chaos.queue_client import QueueClient
from load.samples import Sample
from load.targets import CLIP, IMAGE, TEXT, Documents
from support.some_horde import APPROVER, REQUESTOR

PAIRS: Final = 12
FINISH_SECONDS: Final = 60.0


@dataclass(slots=True)
class Edit:
    """One change of two records that became live together, or not: `markers` are in their descriptions."""

    pair: str
    markers: tuple[str, ...] = ()
    verdict: Verdict = "refused"  # nothing was applied


@dataclass(slots=True)
class Pair:
    """Two records that always change together, and what was done to them, oldest first."""

    name: str
    sides: Sides
    edits: list[Edit] = field(default_factory=list)
    busy: bool = False


def choose_pairs(documents: Documents, count: int = PAIRS) -> list[Pair]:
    """Return pairs of the most popular records, of two categories each."""
    images, others = list(documents[IMAGE]), list(documents.get(TEXT, ())) or list(documents[CLIP])
    rows = zip(images, others, strict=False)
    second = TEXT if documents.get(TEXT) else CLIP
    return [
        Pair(f"{image} + {other}", ((IMAGE, image), (second, other)))
        for image, other in itertools.islice(rows, count)
    ]


class Editors:
    """Edits that are due by the clock; `samples` has every step of each."""

    def __init__(
        self,
        clients: Sequence[QueueClient],
        pairs: Sequence[Pair],
        documents: Documents,
        keys: tuple[str, str] = (REQUESTOR, APPROVER),
    ) -> None:
        self._clients = itertools.cycle(clients)
        self._keys = keys
        self._documents = documents
        self.pairs = pairs
        self.samples: list[Sample] = []
        self.all_busy = 0
        self._start = 0.0

    def lost(self, documents: Documents) -> list[str]:
        """Return what is wrong with the edited records as they are at the end."""
        return lost_edits(self.pairs, documents)

    def counts(self) -> dict[str, int]:
        """Return how many edits came to what."""
        verdicts = [edit.verdict for pair in self.pairs for edit in pair.edits]
        counted = {f"edits {verdict}": verdicts.count(verdict) for verdict in sorted(set(verdicts))}
        return {**counted, "edits left out, all busy": self.all_busy}

    async def run(self, start: float, seconds: float, rate: float, seed: int) -> None:
        """Begin an edit whenever one is due; return when the last has come to its end."""
        self._start, chance, under_way = start, random.Random(seed), set[asyncio.Task[None]]()
        for n in range(int(rate * seconds)):
            due = start + n / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            idle = [pair for pair in self.pairs if not pair.busy]
            if not idle:
                self.all_busy += 1
                continue
            task = asyncio.create_task(self._edit(chance.choice(idle), due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        if under_way:
            done, late = await asyncio.wait(under_way, timeout=FINISH_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*done, *late, return_exceptions=True)

    async def _edit(self, pair: Pair, due: float) -> None:
        pair.busy = True
        try:
            await self._steps(pair, next(self._clients), due)
        finally:
            pair.busy = False

    async def _steps(self, pair: Pair, client: QueueClient, due: float) -> None:
        edit = Edit(pair.name)
        pair.edits.append(edit)
        ids = []
        for category, name in pair.sides:
            operation = client.log.begin("propose")
            edit.markers = (*edit.markers, operation.marker)
            step = client.replace(operation, category, self._record(category, name), key=self._keys[0])
            change_id = await self._timed("propose", due, operation, step)
            if change_id is None:
                return
            ids.append(change_id)
            due = time.monotonic()
        decision = client.log.begin("decide", tuple(ids))
        if not await self._timed("approve", due, decision, client.decide(decision, key=self._keys[1])):
            return
        due = time.monotonic()
        apply = client.log.begin("apply", tuple(ids))
        edit.verdict = "unknown"
        await self._timed("apply", due, apply, client.make_revision(apply, key=self._keys[1]))
        edit.verdict = apply.verdict

    def _record(self, category: str, name: str) -> dict[str, Any]:
        """Return a record as it was at first, without what the service itself adds to it."""
        record = self._documents[category][name]
        return {field: value for field, value in record.items() if field != "metadata"}

    async def _timed(self, kind: str, due: float, operation: Operation, step: Awaitable[Any]) -> Any:
        """Do a step, and note how long it took from when it was due, with all its sendings."""
        result = await step
        last = operation.statuses[-1] if operation.statuses else "nothing"
        milliseconds = (time.monotonic() - due) * 1000
        self.samples.append(Sample(due - self._start, kind, milliseconds, str(last)))
        return result


def lost_edits(pairs: Sequence[Pair], documents: Documents) -> list[str]:
    """Return what is wrong with the edited records as they are at the end.

    The two of a pair must be of one edit, and no edit that was accepted may be newer than that.
    """
    problems = []
    for pair in pairs:
        if not pair.edits:
            continue
        found = [marker_of(documents, category, name) for category, name in pair.sides]
        numbers = [_number(pair, side, marker) for side, marker in enumerate(found)]
        accepted = [n for n, edit in enumerate(pair.edits) if edit.verdict == "accepted"]
        if len(set(numbers)) != 1:
            problems.append(f"{pair.name}: a half of one edit and a half of another: {found}")
        if accepted and max(accepted) > min(numbers):
            problems.append(f"{pair.name}: edit {pair.edits[max(accepted)].markers} is lost, {found} is live")
        problems += [
            f"{pair.name}: {pair.edits[n].markers} is live although it was refused"
            for n in set(numbers)
            if n >= 0 and pair.edits[n].verdict == "refused"
        ]
    return problems


def marker_of(documents: Documents, category: str, name: str) -> str:
    """Return the marker in the description of a record; nothing if there is none."""
    record: Mapping[str, Any] = documents[category].get(name, {})
    _, mark, marker = str(record.get("description", "")).rpartition("#")
    return marker if mark else ""


def _number(pair: Pair, side: int, marker: str) -> int:
    for n, edit in enumerate(pair.edits):
        if len(edit.markers) > side and edit.markers[side] == marker:
            return n
    return -1
