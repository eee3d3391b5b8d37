"""An editor at the standalone service."""

import base64
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from support.processes import ServiceProcess, service
from support.some_horde import APPROVER, REQUESTOR, SomeHorde
from support.sources import SAMPLE

KEY = base64.b64encode(bytes(range(32))).decode()


@contextlib.asynccontextmanager
async def an_editor(settings: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator["Editor"]:
    async with TestServer(SomeHorde().application) as horde:
        monkeypatch.setenv("AI_HORDE_URL", str(horde.make_url("/api/")))
        async with service("serve", settings) as process, aiohttp.ClientSession() as session:
            await process.wait_until("/ready", 200)
            yield Editor(process, session)


class Editor:
    """Talks to the service with the keys of a requestor and an approver."""

    def __init__(self, process: ServiceProcess, session: aiohttp.ClientSession) -> None:
        self.url = process.base_url
        self.root_url = process.root_url
        self._base = f"{process.base_url}/model_references"
        self._session = session

    async def get(self, path: str) -> tuple[int, bytes]:
        async with self._session.get(self._base + path) as answer:
            return answer.status, await answer.read()

    async def post(self, path: str, body: object, key: str) -> Any:
        async with self._session.post(self._base + path, json=body, headers={"apikey": key}) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def make_live(self, name: str) -> None:
        change = await self.post("/v2/clip", {"name": name, "description": "made here"}, REQUESTOR)
        ids = [change["change_id"]]
        await self.post("/v2/pending_queue/batches", {"batch_title": "t", "approved_ids": ids}, APPROVER)
        await self.post("/v2/pending_queue/apply", {"change_ids": ids}, APPROVER)


def settings_for(folder: Path) -> dict[str, str]:
    key_file = folder / "signing.key"
    key_file.write_text(KEY)
    return {
        "DATA_DIR": str(folder / "data"),
        "SEED_DIR": str(SAMPLE),
        "HEAD_POLL_SECONDS": "60",  # only the events tell
        "PENDING_QUEUE__REQUESTOR_IDS": "101",
        "PENDING_QUEUE__APPROVER_IDS": "202",
        "SIGNING__KEY_FILE": str(key_file),
    }
