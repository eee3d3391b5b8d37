"""The status of the distributed system, while parts of it die and come back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer

from stack.child import StackFailed
from stack.neighbours import require_programs
from stack.running import Plan, Stack, running_stack
from support.processes import clean_environment
from support.servers import missing
from support.some_horde import APPROVER, SomeHorde
from support.sources import SAMPLE

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

PATIENCE_SECONDS = 90.0
SETTINGS = {
    "SEED_DIR": str(SAMPLE),
    "PENDING_QUEUE__REQUESTOR_IDS": "101",
    "PENDING_QUEUE__APPROVER_IDS": "202",
    "ACCESS_LOG": "false",
    "DRAIN_SECONDS": "2",
    "HEAD_POLL_SECONDS": "2",
    "S3__CONNECT_TIMEOUT_SECONDS": "1",
    "S3__ATTEMPTS": "1",
}


class Watched:
    """The running system, and whoever looks at its status."""

    def __init__(self, stack: Stack, session: aiohttp.ClientSession) -> None:
        self.stack = stack
        self.session = session

    async def status(self, root_url: str | None = None, key: str = "") -> Any:
        headers = {"apikey": key} if key else {}
        url = f"{root_url or self.stack.root_url}/api/status"
        async with self.session.get(url, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def until(self, is_so: Callable[[Any], bool], root_url: str | None = None) -> Any:
        """Wait until the status, of the gateway or of one reader, is so. Fails with the last one."""
        found: Any = None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not is_so(found := await self.status(root_url)):  # noqa: ASYNC110 - it is a client
                    await asyncio.sleep(0.2)
        except TimeoutError:
            kept = ("overall", "reasons", "components", "instances")
            raise AssertionError({name: found[name] for name in kept} if found else found) from None
        return found

    async def until_everybody_is_well(self) -> Any:
        count = len(self.stack.services)
        for child in self.stack.reads:
            await self.until(lambda status: live(status) >= count, child.url)
        # the sync-worker has no GitHub here, and the stats service no figures
        return await self.until(lambda status: not troubled(status) - {"github", "ai_horde"})


def is_live(instance: Any) -> bool:
    return bool(instance["presence"] == "live")


def live(status: Any) -> int:
    return sum(map(is_live, status["instances"]))


def troubled(status: Any) -> set[str]:
    return {reason["component"] for reason in status["reasons"]}


def presence(status: Any, instance_id: str) -> str:
    return next((one["presence"] for one in status["instances"] if one["id"] == instance_id), "forgotten")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    try:
        require_programs()
    except StackFailed as error:
        missing(str(error))
    async with TestServer(SomeHorde().application) as horde:
        folder: Path = tmp_path_factory.mktemp("status")
        plan = Plan(
            write=1,
            read=2,
            stats=1,
            sync=1,
            settings=SETTINGS,
            environment=clean_environment(
                {
                    "AI_HORDE_URL": str(horde.make_url("/api/")),
                    "HORDE_GITHUB_SYNC_GITHUB_API_URL": "http://127.0.0.1:1",
                }
            ),
            folder=folder,
            through_proxies=True,
        )
        timeout = aiohttp.ClientTimeout(total=30)
        async with running_stack(plan) as stack, aiohttp.ClientSession(timeout=timeout) as session:
            yield Watched(stack, session)


async def test_every_reader_knows_every_instance(watched: Watched) -> None:
    status = await watched.until_everybody_is_well()
    assert status["knows"] == "every instance"
    services = sorted(one["service"] for one in status["instances"] if is_live(one))
    assert services == ["read-api", "read-api", "stats", "sync-worker", "write-queue"]
    assert status["roles_configured"] == {"requestor": True, "approver": True}
    assert status["events"] == {"waiting": 0, "dead_letters": 0}
    states = {name: one["state"] for name, one in status["components"].items()}
    servers = {name: states[name] for name in ("object_store", "rabbitmq", "redis")}
    assert servers == dict.fromkeys(servers, "operational")
    revisions = {one["revision"] for one in status["instances"] if one["service"] != "sync-worker"}
    assert revisions == {status["head_revision"]}


async def test_approver_sees_the_details_through_the_gateway(watched: Watched) -> None:
    await watched.until_everybody_is_well()
    status = await watched.status(key=APPROVER)
    alive = [one for one in status["details"]["instances"] if presence(status, one["id"]) == "live"]
    assert len(alive) == len(watched.stack.services)
    assert all("events" in one["checks"] for one in alive)


async def test_killed_instance_goes_silent_and_its_successor_takes_its_place(watched: Watched) -> None:
    before = await watched.until_everybody_is_well()
    [old] = [one["id"] for one in before["instances"] if is_live(one) and one["service"] == "write-queue"]
    await watched.stack.writes[0].kill()
    status = await watched.until(lambda status: "write-queue" in troubled(status))
    assert presence(status, old) == "silent"
    assert status["components"]["write-queue"]["state"] == "down"
    assert status["overall"] == "degraded"

    await watched.stack.writes[0].start()
    status = await watched.until(lambda status: "write-queue" not in troubled(status))
    assert presence(status, old) == "silent"


async def test_stopped_instance_is_missed_by_nobody(watched: Watched) -> None:
    before = await watched.until_everybody_is_well()
    child = watched.stack.reads[1]
    await child.stop()
    url = watched.stack.reads[0].url
    status = await watched.until(lambda status: live(status) == live(before) - 1, url)
    assert "read-api" not in troubled(status)
    assert "silent" not in {one["presence"] for one in status["instances"] if one["service"] == "read-api"}
    await child.start()


@pytest.mark.parametrize(
    ("name", "component"), [("s3", "object_store"), ("redis", "redis"), ("rabbit", "rabbitmq")]
)
async def test_server_that_is_cut_off_shows_and_so_does_its_return(
    watched: Watched, name: str, component: str
) -> None:
    await watched.until_everybody_is_well()
    [proxy] = [proxy for other, proxy in watched.stack.neighbours.proxies.items() if other == name]
    proxy.refuse()
    try:
        status = await watched.until(lambda status: status["components"][component]["state"] == "down")
        assert status["overall"] == "degraded"
        assert status["components"][component]["last_error_at"] is not None
    finally:
        proxy.heal()
    await watched.until_everybody_is_well()
