"""The status of the whole service in one process, and that of a replica of it."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from support.processes import ServiceProcess, service
from support.some_horde import APPROVER, READER, SomeHorde
from support.sources import SAMPLE

PATIENCE_SECONDS = 60.0


async def status_of(process: ServiceProcess, key: str = "") -> Any:
    headers = {"apikey": key} if key else {}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{process.base_url}/status", headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return json.loads(await answer.read())


async def until(process: ServiceProcess, is_so: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so(found := await status_of(process)):  # noqa: ASYNC110 - it is a client
            await asyncio.sleep(0.1)
    return found


def state_of(status: Any, *names: str) -> set[str]:
    return {status["components"][name]["state"] for name in names}


async def test_one_process_reports_all_that_it_does(tmp_path: Path) -> None:
    async with TestServer(SomeHorde().application) as horde:
        settings = {
            "DATA_DIR": str(tmp_path),
            "SEED_DIR": str(SAMPLE),
            "AI_HORDE_URL": str(horde.make_url("/api/")),
            "PENDING_QUEUE__APPROVER_IDS": "202",
        }
        async with service("serve", settings) as process:
            await process.wait_until("/live", 200)
            parts = ("read-api", "write-queue", "stats")
            status = await until(process, lambda one: state_of(one, *parts) == {"operational"})
            [me] = status["instances"]
            assert (me["service"], me["parts"], me["lag"]) == ("standalone", list(parts), 0)
            assert status["roles_configured"] == {"requestor": True, "approver": True}
            assert (status["queue"], status["never_seeded"]) == ({"pending": 0, "approved": 0}, [])
            assert [fact["kind"] for fact in status["statistics"]] == ["image", "text"]
            assert state_of(status, "object_store") == {"operational"}
            assert state_of(status, "rabbitmq", "redis", "sync-worker", "github") == {"unknown"}
            assert str(tmp_path) not in json.dumps(status)

            [details] = (await status_of(process, APPROVER))["details"]["instances"]
            assert {"catalogue", "queue", "seeding", "store"} <= details["checks"].keys()
            assert (await status_of(process, READER))["details"] is None


async def test_replica_in_one_process_does_no_writes_and_has_a_primary(tmp_path: Path) -> None:
    primary_settings = {"DATA_DIR": str(tmp_path / "primary"), "SEED_DIR": str(SAMPLE)}
    async with service("serve", primary_settings) as primary:
        await primary.wait_until("/ready", 200)
        settings = {
            "DATA_DIR": str(tmp_path / "replica"),
            "REPLICATE_MODE": "REPLICA",
            "PRIMARY_API_URL": primary.base_url,
        }
        async with service("serve", settings) as replica:
            await replica.wait_until("/live", 200)
            status = await until(replica, lambda one: state_of(one, "read-api", "primary") == {"operational"})
            assert status["instances"][0]["parts"] == ["read-api", "stats"]
            assert (status["replicate_mode"], status["writable"]) == ("REPLICA", False)
            assert (status["roles_configured"], status["queue"]) == (None, None)
            assert state_of(status, "write-queue") == {"unknown"}
