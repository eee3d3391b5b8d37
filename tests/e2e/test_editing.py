"""An editor at the standalone service, and an operator with its commands (one process, real HTTP)."""

import base64
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from support.processes import ServiceProcess, run_command, service
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


async def test_an_edit_is_in_both_formats_when_it_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with an_editor(settings_for(tmp_path), monkeypatch) as editor:
        before = (await editor.get("/v1/clip"))[1]
        await editor.make_live("mine")
        after = (await editor.get("/v1/clip"))[1]
        assert (await editor.get("/v2/clip/model/mine"))[0] == 200
        assert b"made here" in after
        assert after.startswith(before.rstrip().removesuffix(b"}").rstrip())


async def test_the_commands_undo_check_and_protect_edits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(tmp_path)
    async with an_editor(settings, monkeypatch) as editor:
        await editor.make_live("mine")
        _, public_key = await editor.get("/v2/signing_key")
    (tmp_path / "public.json").write_bytes(public_key)
    status, _, error = await run_command("seed", "--from", str(SAMPLE), settings=settings)
    assert (status, "revision 2: applied" in error) == (1, True)
    status, out, error = await run_command("rollback", "1", "--reason", "a test", settings=settings)
    assert (status, out, error) == (0, b"revision 3 has the records of revision 1: 1 changed\n", "")
    words = ("verify", "--public-key", str(tmp_path / "public.json"))
    status, out, _ = await run_command(*words, settings=settings)
    assert (status, b"3 signatures: all right" in out) == (0, True)
    async with an_editor(settings, monkeypatch) as editor:
        assert (await editor.get("/v2/clip/model/mine"))[0] == 404
        assert (await editor.get("/v2/clip/model/mine?revision=2"))[0] == 200


async def test_a_key_file_that_is_none_stops_the_start_in_a_line(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    (tmp_path / "signing.key").write_text("nonsense")
    async with service("serve", settings) as process:
        assert await process.ended() == 1
    assert "signing.key" in process.output
    assert "Traceback" not in process.output
    assert "nonsense" not in process.output
