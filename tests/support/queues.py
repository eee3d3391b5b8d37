"""A queue on a journal in memory, with the sample catalogue, and short words for what people do with it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from horde_model_reference.documents import Record
from horde_model_reference.meta_consts import CanonicalFormat
from registry.blobs import Blobs
from registry.change_record import ChangeRecord, Form
from registry.checkpoints import Checkpoints
from registry.draft import IdempotencyKey
from registry.journal import Journal
from registry.seeding import seed
from registry.state import State
from registry.writer import Writer
from service_kit.horde_users import User
from service_kit.object_store import ObjectStore
from support.memory_store import MemoryObjectStore
from support.sources import a_source
from write_queue.domain import applying, proposing, reviewing
from write_queue.domain.catalogue import Catalogue
from write_queue.domain.commands import Command, Rules
from write_queue.domain.service import Appended, Outcome, QueueService

REQUESTOR = User("101", "requestor#101")
OTHER = User("102", "other#102")
APPROVER = User("202", "approver#202")
ORIGIN = proposing.Origin("a_route")


@dataclass(slots=True)
class Queue:
    """One instance of the queue."""

    service: QueueService
    store: ObjectStore
    told: list[Appended] = field(default_factory=list)
    form: Form = "v2"

    async def submit(self, user: User, command: Command, key: IdempotencyKey | None = None) -> Outcome:
        return await self.service.submit(user, command, idempotency=key)

    async def create(
        self, name: str = "m", category: str = "clip", user: User = REQUESTOR, **fields: Any
    ) -> int:
        payload = {"name": name, **fields}
        return await self.proposed(user, proposing.create(category, payload, self.form, ORIGIN))

    async def update(
        self, name: str = "m", category: str = "clip", user: User = REQUESTOR, **fields: Any
    ) -> int:
        payload = {"name": name, **fields}
        return await self.proposed(user, proposing.update(category, name, payload, self.form, ORIGIN))

    async def delete(self, name: str = "m", category: str = "clip", user: User = REQUESTOR) -> int:
        return await self.proposed(user, proposing.delete(category, name, self.form, ORIGIN))

    async def proposed(self, user: User, command: Command) -> int:
        change_id: int = (await self.submit(user, command)).body["change_id"]
        return change_id

    async def approve(self, *ids: int, user: User = APPROVER, title: str = "a batch") -> Any:
        return (await self.submit(user, reviewing.decide(title, ids, (), None))).body

    async def reject(self, *ids: int, reason: str = "no") -> Any:
        return (await self.submit(APPROVER, reviewing.decide("a batch", (), ids, reason))).body

    async def apply(self, *ids: int, job_id: str | None = None) -> Outcome:
        command = applying.apply_many(ids, job_id, allow_mixed_batch=False)
        return await self.submit(APPROVER, command)

    async def make_live(self, name: str = "m", category: str = "clip", **fields: Any) -> int:
        change_id = await self.create(name, category, **fields)
        await self.approve(change_id)
        await self.apply(change_id)
        return change_id

    async def state(self) -> State:
        return await self.service.state()

    async def change(self, change_id: int) -> ChangeRecord:
        change = (await self.state()).queue.find(change_id)
        assert change is not None
        return change

    async def records(self, category: str = "clip", revision: int | None = None) -> dict[str, Record]:
        state = await self.state()
        ref = await self.service.catalogue.at(state, revision or state.revision)
        return dict(await self.service.catalogue.records(ref, category))

    async def legacy(self, category: str = "clip") -> bytes:
        state = await self.state()
        assert state.catalogue is not None
        return (await self.service.catalogue.documents(state.catalogue, category)).legacy or b""


async def a_queue(
    store: ObjectStore | None = None,
    *,
    require_two_persons: bool = False,
    form: Form = "v2",
    now: datetime | None = None,
) -> Queue:
    """Return an instance on the journal in the store, which is seeded if it is empty."""
    chosen = store or MemoryObjectStore()
    journal, blobs = Journal(chosen), Blobs(chosen)
    await seed(journal, blobs, await a_source(), state=State(), when="empty")
    told: list[Appended] = []
    rules = Rules(CanonicalFormat("legacy" if form == "legacy" else "v2"), require_two_persons)
    service = QueueService(
        Writer(journal, Checkpoints(chosen, journal)),
        Catalogue(blobs, journal),
        rules,
        on_appended=told.append,
        clock=lambda: now or datetime.now(UTC),
    )
    return Queue(service, chosen, told, form)
