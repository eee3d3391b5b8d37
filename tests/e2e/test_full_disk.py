"""The data directory runs full under a real process: what was said stays true (architecture section 7)."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.processes import run_command
from support.service_nodes import HordeNode, ServiceNode
from support.serving import LOOPBACK
from support.some_horde import APPROVER, REQUESTOR

API = "/api/model_references/v2"
QUEUE = f"{API}/pending_queue"
FILLER_BYTES = 64 * 1024
PAGE_BYTES = 4096
MOST_PROPOSALS = 200
FULL = 507
SETTINGS = {"RATE_LIMITS__ENABLED": "false", "HEAD_POLL_SECONDS": "0.2"}


class SmallDisk:
    """A service whose data directory is on a small disk, on which a file takes up some of the room."""

    def __init__(self, disk: Path, node: ServiceNode) -> None:
        self.data_dir = disk / "data"
        self.node = node
        self._filler = disk / "filler"
        self._filler.write_bytes(bytes(FILLER_BYTES))
        self._rest = disk / "rest"

    def fill(self) -> None:
        """Take up what is left, to the last page."""
        with self._rest.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(PAGE_BYTES))
            except OSError:
                pass

    def make_room(self) -> None:
        self._filler.unlink()

    def left_behind(self) -> list[Path]:
        """Return the files that are neither whole objects nor anything else that belongs there."""
        return list((self.data_dir / ".drafts").iterdir())

    async def ask(
        self, method: str, path: str, body: object = None, key: str = APPROVER
    ) -> tuple[int, Mapping[str, str], Any]:
        url = f"http://{LOOPBACK}:{self.node.port}{path}"
        async with (
            aiohttp.ClientSession(headers={"apikey": key}) as session,
            session.request(method, url, json=body) as answer,
        ):
            return answer.status, answer.headers, await answer.json()

    async def propose(self, name: str) -> int:
        """Propose a model and return the status."""
        record = {"name": name, "description": "x" * 2000}
        return (await self.ask("POST", f"{API}/clip", record, REQUESTOR))[0]

    async def names(self) -> set[str]:
        """Return the models of all changes that the queue knows."""
        _, _, page = await self.ask("GET", f"{QUEUE}/changes?limit=500")
        return {change["model_name"] for change in page["items"]}

    async def verified(self) -> bool:
        """Say whether the journal is whole, whatever happened."""
        status, out, err = await run_command("verify", settings={"DATA_DIR": str(self.data_dir)})
        assert (status, err) == (0, ""), out.decode() + err
        return out.decode().rstrip().endswith("all right")


@pytest.fixture
def disk(small_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    root = tmp_path_factory.mktemp("elsewhere")
    settings = {**SETTINGS, "DATA_DIR": str(small_disk / "data")}
    with HordeNode(root, "horde") as horde, ServiceNode(root, horde, settings) as node:
        yield SmallDisk(small_disk, node)


async def until_full(disk: SmallDisk) -> tuple[list[str], list[str]]:
    """Propose until nothing fits any more; return the names that were accepted, and those that were not."""
    accepted, refused = [], []
    for number in range(MOST_PROPOSALS):
        name = f"model {number}"
        status = await disk.propose(name)
        if status == 202:
            accepted.append(name)
            continue
        assert status == FULL
        refused.append(name)
        if len(refused) == 3:
            break
    assert len(refused) == 3, "the disk did not run full"
    return accepted, refused


async def test_a_full_disk_refuses_writes_and_nothing_else(disk: SmallDisk) -> None:
    accepted, refused = await until_full(disk)
    disk.fill()
    status, headers, answer = await disk.ask("POST", f"{QUEUE}/changes/1/comments", {"text": "still there?"})
    assert status == FULL
    assert re.search("no room|full", answer["detail"])
    assert "traceback" not in disk.node.log.read_text().lower()

    status, headers, clip = await disk.ask("GET", f"{API}/clip")
    assert (status, headers["X-Revision"]) == (200, "1")
    assert await disk.names() == set(accepted)
    assert not disk.left_behind()
    assert await disk.verified()

    disk.make_room()
    assert await disk.propose(refused[0]) == 202
    assert await disk.names() == {*accepted, refused[0]}
    assert list((await disk.ask("GET", f"{API}/clip"))[2]) == list(clip)
    assert await disk.verified()


async def test_an_apply_that_does_not_fit_leaves_the_catalogue_as_it_was(disk: SmallDisk) -> None:
    await disk.propose("new")
    decision = {"batch_title": "t", "approved_ids": [1]}
    assert (await disk.ask("POST", f"{QUEUE}/batches", decision))[0] == 200
    disk.fill()
    for _ in range(2):
        assert (await disk.ask("POST", f"{QUEUE}/changes/1/apply", {}))[0] == FULL
    _, headers, clip = await disk.ask("GET", f"{API}/clip")
    assert (headers["X-Revision"], "new" in clip) == ("1", False)
    assert (await disk.ask("GET", f"{QUEUE}/changes/1"))[2]["status"] == "approved"
    assert not disk.left_behind()
    assert await disk.verified()

    disk.make_room()
    assert (await disk.ask("POST", f"{QUEUE}/changes/1/apply", {}))[0] == 200
    _, headers, clip = await disk.ask("GET", f"{API}/clip")
    assert (headers["X-Revision"], "new" in clip) == ("2", True)
    assert await disk.verified()


async def test_a_process_that_is_killed_on_a_full_disk_comes_back_and_serves(disk: SmallDisk) -> None:
    accepted, _ = await until_full(disk)
    disk.fill()
    disk.node.kill()
    disk.node.ready_when = {"/api/model_references/v2/clip": 200}
    disk.node.start()
    assert (await disk.ask("GET", f"{API}/clip"))[0] == 200
    assert await disk.propose("late") in {FULL, 503}  # the store cannot be proven

    disk.make_room()
    disk.node.ready_when = {"/ready": 200, f"{QUEUE}/changes/1": 200}
    disk.node.wait_until_ready()
    assert await disk.propose("late") == 202
    assert await disk.names() == {*accepted, "late"}
    assert await disk.verified()
