"""The write-queue on a directory with the sample catalogue, beside an AI-Horde, and a client of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestServer

from registry.blobs import Blobs
from registry.journal import Journal
from registry.seeding import seed
from registry.state import State
from service_kit.stores import open_object_store
from support.described_answers import problems
from support.serving import Answer, Client, serving
from support.some_horde import APPROVER, READER, REQUESTOR, SomeHorde
from support.sources import a_source
from write_queue.app import create_app
from write_queue.settings import WriteQueueSettings

OTHER_REQUESTOR, OTHER_APPROVER = "key-other-requestor", "key-other-approver"
REFERENCES = "/api/model_references"
QUEUE = "/v2/pending_queue"
START_SECONDS = 60.0

__all__ = ["APPROVER", "OTHER_APPROVER", "OTHER_REQUESTOR", "READER", "REQUESTOR", "Writes"]


def a_horde() -> SomeHorde:
    """Return an AI-Horde that knows a second requestor and a second approver too."""
    horde = SomeHorde()
    horde.users[OTHER_REQUESTOR] = {"username": "other requestor#102", "id": 102}
    horde.users[OTHER_APPROVER] = {"username": "other approver#203", "id": 203}
    return horde


class Writes:
    """A client of the write-queue that expects what is described; paths begin behind `model_references`."""

    def __init__(self, client: Client, canonical_format: str = "v2") -> None:
        self.client = client
        self.version = "v1" if canonical_format == "legacy" else "v2"

    async def ask(
        self,
        method: str,
        path: str,
        key: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Answer:
        sent = {**(headers or {}), **({} if key is None else {"apikey": key})}
        answer = await self.client.ask(REFERENCES + path, method, headers=sent, **more)
        assert await asyncio.to_thread(problems, method, f"/model_references{path}", answer) == []
        return answer

    async def get(self, path: str, key: str | None = READER) -> Any:
        """Return the JSON of an answer that must be 200."""
        answer = await self.ask("GET", path, key)
        assert answer.status == 200, answer.body
        return answer.json

    async def post(self, path: str, body: object, key: str = APPROVER, *, status: int = 200) -> Any:
        """Return the JSON of an answer that must have the status."""
        answer = await self.ask("POST", path, key, json=body)
        assert answer.status == status, answer.body
        return answer.json

    async def create(
        self, name: str = "m", category: str = "clip", key: str = REQUESTOR, **fields: Any
    ) -> int:
        body = {"name": name, **fields}
        change: dict[str, Any] = await self.post(f"/{self.version}/{category}", body, key, status=202)
        return int(change["change_id"])

    async def approve(self, *ids: int, title: str = "a batch") -> int:
        body = {"batch_title": title, "approved_ids": ids}
        return int((await self.post(f"{QUEUE}/batches", body))["batch_id"])

    async def apply(self, *ids: int) -> Any:
        return await self.post(f"{QUEUE}/apply", {"change_ids": ids})

    async def make_live(self, name: str = "m", category: str = "clip", **fields: Any) -> int:
        change_id = await self.create(name, category, **fields)
        await self.approve(change_id)
        await self.apply(change_id)
        return change_id


async def seeded(data_dir: Path) -> Path:
    """Fill a directory with the sample catalogue, unless it holds one, and return it."""
    async with open_object_store(data_dir, WriteQueueSettings().s3) as store:
        await seed(Journal(store), Blobs(store), await a_source(), state=State(), when="empty")
    return data_dir


def write_settings(
    data_dir: Path, horde_url: str = "http://127.0.0.1:1", **changed: Any
) -> WriteQueueSettings:
    """Return settings with two requestors and two approvers, and without limits that tests would meet."""
    queue = {
        "requestor_ids": ["101", "102"],
        "approver_ids": ["202", "203"],
        **changed.pop("pending_queue", {}),
    }
    given = {
        "data_dir": data_dir,
        "AI_HORDE_URL": horde_url,
        "access_log": False,
        "head_poll_seconds": 0.2,
        "pending_queue": queue,
        **changed,
    }
    return WriteQueueSettings.model_validate(given)


@contextlib.asynccontextmanager
async def a_horde_url() -> AsyncIterator[str]:
    """Yield the address of an AI-Horde."""
    async with TestServer(a_horde().application) as horde:
        yield str(horde.make_url("/api/"))


@contextlib.asynccontextmanager
async def writing(data_dir: Path, **changed: Any) -> AsyncIterator[Writes]:
    """Yield a client of a write-queue that is ready, with an AI-Horde of its own."""
    async with a_horde_url() as horde_url:
        settings = write_settings(data_dir, horde_url, **changed)
        async with serving(create_app(settings, on_unusable=_fail)) as client:
            await until_ready(client)
            yield Writes(client, settings.canonical_format)


async def until_ready(client: Client) -> None:
    """Wait until the service says that it is ready."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            if (await client.ask("/ready")).status == 200:
                return
            await asyncio.sleep(0.02)


def _fail(error: Exception) -> None:
    raise AssertionError("the store was found to be unsafe") from error
