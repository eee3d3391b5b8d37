"""The stack that the write side is measured on, and a client of it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
from aiohttp.test_utils import TestServer

from bench.children import waiting_seconds
from bench.filled_journal import Objects, fill_store, open_store
from service_kit.settings import ENV_PREFIX
from stack.child import Child
from stack.running import Plan, Stack, running_stack
from support.processes import clean_environment
from support.some_horde import APPROVER, REQUESTOR, USERS, SomeHorde

API: Final = "/api/model_references"
QUEUE: Final = f"{API}/v2/pending_queue"
ANSWER_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, and when it was asked for and there, by the clock of `time.perf_counter`."""

    value: Any
    revision: int
    asked: float
    answered: float

    @property
    def milliseconds(self) -> float:
        return (self.answered - self.asked) * 1000


class Writer:
    """Sends requests with a key to one server, or through the gateway to all."""

    def __init__(self, session: aiohttp.ClientSession, root_url: str) -> None:
        self._session = session
        self.root_url = root_url

    async def ask(self, method: str, path: str, body: object = None, *, key: str = APPROVER) -> Told:
        """Send a request. Raises `RuntimeError` for an answer that is no success."""
        asked = time.perf_counter()
        headers = {"apikey": key}
        async with self._session.request(method, self.root_url + path, json=body, headers=headers) as answer:
            content = await answer.read()
            answered = time.perf_counter()
            if answer.status >= 300:
                raise RuntimeError(f"{method} {path} was answered with {answer.status}: {content[:300]!r}")
            value = await answer.json()
        return Told(value, int(answer.headers["X-Revision"]), asked, answered)

    async def propose(self, category: str, name: str, record: Mapping[str, Any], *, new: bool) -> Told:
        """Propose a record under a name that is new, or not."""
        if new:
            return await self.ask("POST", f"{API}/v2/{category}", record, key=REQUESTOR)
        path = f"{API}/v2/{category}/model/{quote(name, safe='')}"
        return await self.ask("PUT", path, record, key=REQUESTOR)

    async def approve(self, ids: list[int]) -> None:
        """Approve changes."""
        await self.ask("POST", f"{QUEUE}/batches", {"batch_title": "Measured", "approved_ids": ids})

    async def apply(self, change_id: int) -> Told:
        """Apply a change."""
        return await self.ask("POST", f"{QUEUE}/changes/{change_id}/apply", {})


@dataclass(frozen=True, slots=True)
class Scene:
    """A running stack whose journal holds a number of changes; `objects` is what lay in it at first."""

    changes: int
    stack: Stack
    session: aiohttp.ClientSession
    objects: Objects

    @property
    def gateway(self) -> Writer:
        return Writer(self.session, self.stack.root_url)

    @property
    def doors(self) -> list[Writer]:
        """The gateway and every write-queue, to be used in turn; half of the requests go to the gateway."""
        direct = [Writer(self.session, child.url) for child in self.stack.writes]
        return [door for one in direct for door in (self.gateway, one)]

    def waiting_seconds(self) -> float:
        """Return how long the services waited for a processor since they were started."""
        return sum(waiting_seconds(child.pid) for child in self.stack.services)

    async def records(self, category: str) -> dict[str, dict[str, Any]]:
        """Return the live records of a category, without what the service itself adds to them."""
        async with self.session.get(f"{self.stack.root_url}{API}/v2/{category}") as answer:
            records: dict[str, dict[str, Any]] = await answer.json()
        return {
            name: {field: value for field, value in record.items() if field != "metadata"}
            for name, record in records.items()
        }


@contextlib.asynccontextmanager
async def filled_stack(changes: int, seed_dir: Path, *, write: int, read: int) -> AsyncIterator[Scene]:
    """Run a stack on real servers whose journal holds so many changes."""
    async with contextlib.AsyncExitStack() as exits:
        horde = await exits.enter_async_context(TestServer(SomeHorde().application))
        environment = clean_environment(
            {"AI_HORDE_URL": str(horde.make_url("/api/")), f"{ENV_PREFIX}SEED_DIR": str(seed_dir)}
        )
        ids = {"PENDING_QUEUE__REQUESTOR_IDS": REQUESTOR, "PENDING_QUEUE__APPROVER_IDS": APPROVER}
        roles = {name: str(USERS[key]["id"]) for name, key in ids.items()}
        plan = Plan(write=write, read=read, settings=roles, environment=environment)
        stack = await exits.enter_async_context(running_stack(plan))
        await asyncio.gather(*(child.kill() for child in stack.services))
        store = await exits.enter_async_context(open_store(stack.neighbours.settings()))
        objects = await fill_store(store, changes)
        await asyncio.gather(*(child.start() for child in stack.services))
        timeout = aiohttp.ClientTimeout(total=None, sock_read=ANSWER_SECONDS)
        session = await exits.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        yield Scene(changes, stack, session, objects)


def children_named(stack: Stack, kind: str) -> list[Child]:
    """Return the processes of a kind."""
    return [child for child in stack.services if child.kind == kind]
