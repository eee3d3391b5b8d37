"""Journals with as many changes as wanted, written directly: through the API it would take minutes.

A tenth of the changes is rejected, a tenth applied (which makes revisions), the others wait. What a running
system keeps of its checkpoints lies beside the journal.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from horde_model_reference.documents import Record
from horde_model_reference.v2_format import parse_v2
from registry.blobs import Blobs
from registry.bodies import Applied, AppliedChange, Decided, Proposed, ProposedChange
from registry.checkpoints import INTERVAL, KEPT, checkpoint_key, render_checkpoint
from registry.documents import load_documents
from registry.draft import Draft, make_entry
from registry.entries import entry_hash, entry_key, render_entry
from registry.fold import fold
from registry.history_state import Touched
from registry.journal import Journal, random_entry_id, utc_now
from registry.state import State
from service_kit.object_store import ObjectStore
from service_kit.s3_object_store import S3ObjectStore, open_s3_store
from service_kit.settings import S3Settings
from support.some_horde import APPROVER, REQUESTOR, USERS

AT_ONCE: Final = 32
ROUND: Final = 20
"""After so many proposals two of them are rejected and two applied."""

CATEGORIES: Final = ("image_generation", "text_generation", "controlnet", "clip")

Objects = dict[str, bytes]


class Filler:
    """Makes the entries that follow a state; `objects` are those made so far, to be stored."""

    def __init__(self, state: State, records: Mapping[str, Mapping[str, Record]]) -> None:
        self.state = state
        self.objects: Objects = {}
        self.checkpoints: list[State] = []
        self._models = itertools.cycle(_interleaved(records))

    def fill(self, changes: int) -> None:
        """Propose, reject and apply until the journal holds so many changes."""
        while self.state.queue.next_change_id <= changes:
            self._append("proposed", REQUESTOR, self._proposal())
            last = self.state.queue.next_change_id - 1
            if last % ROUND == 0:
                rejected, approved = (last - 1, last), (last - 3, last - 2)
                self._append(
                    "decided",
                    APPROVER,
                    Decided(
                        batch_title="A batch of the measurement",
                        approved_ids=approved,
                        rejected_ids=rejected,
                        reject_reason="no",
                    ),
                )
                self._append("applied", APPROVER, Applied(changes=tuple(map(self._applied, approved))))

    def _proposal(self) -> Proposed:
        category, name, record = next(self._models)
        number = self.state.queue.next_change_id
        change = ProposedChange(
            category=category,
            model_name=name,
            operation="update",
            form="v2",
            payload={**record, "description": f"Proposed as number {number}, to have something to list."},
            base_revision=self.state.revision,
            request_metadata={"route": f"update_v2_{category}"},
        )
        return Proposed(changes=(change,))

    def _applied(self, change_id: int) -> AppliedChange:
        change = self.state.queue.changes[change_id]
        touched = Touched(category=change.category, model_name=change.model_name, operation=change.operation)
        return AppliedChange(change_id=change_id, job_id=f"job-{change_id}", touched=touched)

    def _append(self, kind: str, key: str, body: Proposed | Decided | Applied) -> None:
        user, catalogue = USERS[key], None
        if kind == "applied" and self.state.catalogue is not None:
            catalogue = self.state.catalogue.model_copy(update={"revision": self.state.revision + 1})
        entry = make_entry(
            Draft(str(user["id"]), kind, body, catalogue=catalogue, username=user["username"]),
            sequence=self.state.sequence + 1,
            previous=self.state.head_hash,
            entry_id=random_entry_id(),
            now=utc_now(),
        )
        raw = render_entry(entry)
        self.state = fold(self.state, entry, entry_hash(raw))
        self.objects[entry_key(entry.sequence)] = raw
        if entry.sequence % INTERVAL == 0:
            self.checkpoints = [*self.checkpoints, self.state][-KEPT:]


async def fill_store(store: ObjectStore, changes: int) -> Objects:
    """Fill the seeded journal in the store, and return everything that it then consists of."""
    before = await read_everything(store)
    state = await Journal(store).catch_up(State())
    documents = await load_documents(Blobs(store), state.catalogue)
    records = {one: parse_v2(documents[one].v2) for one in documents if one in CATEGORIES}
    filler = Filler(state, records)
    await asyncio.to_thread(filler.fill, changes)
    checkpoints = {checkpoint_key(one.sequence): await render_checkpoint(one) for one in filler.checkpoints}
    made = {**filler.objects, **checkpoints}
    await _create_all(store, made.items())
    return {**before, **made}


async def read_everything(store: ObjectStore) -> Objects:
    """Return all objects of a journal."""
    keys = [key async for key in _keys(store)]
    bodies = await asyncio.gather(*(store.get(key) for key in keys))
    return dict(zip(keys, bodies, strict=True))


async def remove_checkpoints(store: ObjectStore) -> None:
    """Leave a journal without checkpoints."""
    for key in await store.list_after("checkpoints/"):
        await store.delete(key)


def write_directory(folder: Path, objects: Objects) -> None:
    """Write the objects as the directory adapter keeps them, waiting for the disk only once."""
    for key, body in objects.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    os.sync()


def open_store(settings: Mapping[str, str]) -> AbstractAsyncContextManager[S3ObjectStore]:
    """Open the bucket that the settings of a stack name."""
    return open_s3_store(
        S3Settings(
            endpoint_url=settings["S3__ENDPOINT_URL"],
            bucket=settings["S3__BUCKET"],
            access_key=settings["S3__ACCESS_KEY"],
            secret_key=SecretStr(settings["S3__SECRET_KEY"]),
        )
    )


async def _keys(store: ObjectStore) -> AsyncIterator[str]:
    for prefix in ("journal/", "blobs/", "checkpoints/"):
        last = ""
        while page := await store.list_after(prefix, last):
            for key in page:
                yield key
            last = page[-1]


async def _create_all(store: ObjectStore, objects: Iterable[tuple[str, bytes]]) -> None:
    waiting = iter(objects)

    async def work() -> None:
        for key, body in waiting:
            await store.create(key, body)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


def _interleaved(records: Mapping[str, Mapping[str, Record]]) -> Iterator[tuple[str, str, Record]]:
    """Yield the models of all categories, one of each in turn as long as there are any."""
    columns = [[(category, name, one) for name, one in some.items()] for category, some in records.items()]
    for row in itertools.zip_longest(*columns):
        yield from (one for one in row if one is not None)
