"""Replicas as processes of their own, and PRIMARIES that are killed."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from support.contract_runner import run_runner
from support.fake_github import fake_github
from support.processes import ServiceProcess, free_port, run_command, service
from support.reference_data import SHARED, requires_shared
from support.sources import SAMPLE, a_clip_record, a_legacy_file

V1, V2 = "/model_references/v1", "/model_references/v2"
LATER_GROUPS = ("statistics/", "horde/", "popular/")
"""Cases of sections 7 and 9 of http-read-api.md, which are not served yet."""


async def get(process: ServiceProcess, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{process.base_url}{path}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=named) as answer:
        found = {key.lower(): value for key, value in answer.headers.items()}
        return answer.status, found, await answer.read()


async def until_stale(process: ServiceProcess, *, stale: bool) -> None:
    async with asyncio.timeout(60):
        while ("x-stale" in (await get(process, f"{V2}/lora"))[1]) != stale:  # noqa: ASYNC110 - a client
            await asyncio.sleep(0.05)


def primary_settings(data_dir: Path, **more: str) -> dict[str, str]:
    return {
        "DATA_DIR": str(data_dir / "primary"),
        "SEED_DIR": str(SAMPLE),
        "HEAD_POLL_SECONDS": "0.3",
        **more,
    }


def replica_settings(data_dir: Path, primary_port: int, **more: str) -> dict[str, str]:
    return {
        "DATA_DIR": str(data_dir / "replica"),
        "REPLICATE_MODE": "REPLICA",
        "PRIMARY_API_URL": f"http://127.0.0.1:{primary_port}/api/",
        "ENABLE_GITHUB_FALLBACK": "false",
        "CACHE_TTL_SECONDS": "1",
        "PRIMARY_API_TIMEOUT": "2",
        **more,
    }


@pytest.mark.parametrize("command", ["serve", pytest.param("read-api", marks=pytest.mark.long)])
async def test_a_replica_outlives_its_primary_and_finds_it_again(tmp_path: Path, command: str) -> None:
    port = free_port()
    async with service(command, replica_settings(tmp_path, port)) as replica:
        async with service("serve", primary_settings(tmp_path), port=port) as primary:
            await replica.wait_until("/ready", 200)
            clip = await get(primary, f"{V2}/clip")
            await primary.stop(signal.SIGKILL)
        await until_stale(replica, stale=True)

        status, headers, body = await get(replica, f"{V2}/clip")
        assert (status, headers["x-revision"], body) == (200, "1", clip[2])
        assert (await get(replica, f"{V1}/controlnet.json"))[2] == (
            SAMPLE / "image/controlnet.json"
        ).read_bytes()

        async with service("serve", primary_settings(tmp_path), port=port) as primary:
            await until_stale(replica, stale=False)
            files = copy_of_sample(tmp_path / "files")
            (files / "image" / "clip.json").write_bytes(a_legacy_file({"New": a_clip_record("New")}))
            settings = primary_settings(tmp_path)
            assert (await run_command("seed", "--from", str(files), settings=settings))[0] == 0
            status, headers, body = await get(replica, f"{V2}/clip", X_Min_Revision="2")
            assert (status, headers["x-revision"], list(json.loads(body))) == (200, "2", ["New"])
        assert await replica.stop() == 0
    assert "Traceback" not in replica.output


def copy_of_sample(folder: Path) -> Path:
    for path in SAMPLE.rglob("*.*"):
        target = folder / path.relative_to(SAMPLE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return folder


async def test_a_killed_replica_starts_during_an_outage_with_what_it_served_last(tmp_path: Path) -> None:
    port = free_port()
    async with service("serve", primary_settings(tmp_path), port=port) as primary:
        async with service("read-api", replica_settings(tmp_path, port)) as replica:
            await replica.wait_until("/ready", 200)
            await until_stale(replica, stale=False)
            before = [await get(replica, path) for path in (f"{V2}/clip", f"{V1}/db.json")]
            await until_on_disk(tmp_path)
            await replica.stop(signal.SIGKILL)
        await primary.stop(signal.SIGKILL)

    async with service("read-api", replica_settings(tmp_path, port)) as replica:
        await replica.wait_until("/ready", 200)
        for (_, headers, body), path in zip(before, (f"{V2}/clip", f"{V1}/db.json"), strict=True):
            status, now, found = await get(replica, path)
            assert (status, found, now["x-revision"]) == (200, body, headers["x-revision"])
            assert now["x-stale"] == "true"


async def until_on_disk(data_dir: Path) -> None:
    """Wait until the copy is written: it is served a moment before that."""
    async with asyncio.timeout(60):
        while not (data_dir / "replica" / "replica" / "catalogue.copy").exists():  # noqa: ASYNC110 - a client
            await asyncio.sleep(0.02)


async def test_kills_of_the_primary_at_any_moment_never_show_in_the_replica(tmp_path: Path) -> None:
    port = free_port()
    async with service("read-api", replica_settings(tmp_path, port)) as replica:
        async with service("serve", primary_settings(tmp_path), port=port):
            await replica.wait_until("/ready", 200)
        watching = asyncio.create_task(watch(replica))
        for delay_seconds in (0.3, 0.6, 0.9, 1.2, 1.5):
            async with service("serve", primary_settings(tmp_path), port=port) as primary:
                await asyncio.sleep(delay_seconds)
                await primary.stop(signal.SIGKILL)
        watching.cancel()
        answers = (await asyncio.gather(watching, return_exceptions=True))[0]
        assert isinstance(answers, asyncio.CancelledError), answers
        async with service("serve", primary_settings(tmp_path), port=port):
            await until_stale(replica, stale=False)


async def watch(replica: ServiceProcess) -> None:
    """Ask again and again; every answer has to be the same."""
    first = (await get(replica, f"{V2}/clip"))[2]
    while True:
        status, headers, body = await get(replica, f"{V2}/clip")
        assert (status, headers["x-revision"], body) == (200, "1", first)
        await asyncio.sleep(0.01)


async def test_serving_as_a_replica_says_so_and_makes_no_journal(tmp_path: Path) -> None:
    port = free_port()
    async with service("serve", primary_settings(tmp_path, CANONICAL_FORMAT="legacy"), port=port) as primary:
        await primary.wait_until("/ready", 200)
        async with service("serve", replica_settings(tmp_path, port)) as replica:
            await replica.wait_until("/ready", 200)
            mode = json.loads((await get(replica, "/replicate_mode"))[2])
            refused = [
                await get(replica, f"{V2}/{path}") for path in ("clip/pending", "pending_queue/changes")
            ]
            status = await replica.stop(signal.SIGINT)
    assert status == 0
    assert mode == {"replicate_mode": "REPLICA", "canonical_format": "legacy", "writable": False}
    assert re.search(rf"mode +REPLICA of http://127.0.0.1:{port}/api\n", replica.output)
    assert re.search(r"revision +1 of .*, from the PRIMARY\n", replica.output)
    assert re.search(r"models +\d+: blip 1, clip 1", replica.output)
    assert [(one[0], one[1]["www-authenticate"]) for one in refused] == [(401, "APIKey")] * 2
    made = {path.name for path in (tmp_path / "replica").iterdir()}
    assert "replica" in made
    assert made.isdisjoint({"journal", "blobs", "checkpoints"})
    assert "Traceback" not in replica.output


async def test_without_a_primary_github_is_served(tmp_path: Path) -> None:
    async with fake_github() as github:
        settings = replica_settings(tmp_path, 1, PRIMARY_API_URL="", GITHUB_PROXY_URL_BASE=github.url)
        async with service("serve", settings) as replica:
            await replica.wait_until("/ready", 200)
            v1 = (await get(replica, f"{V1}/controlnet.json"))[2]
            await replica.stop()
    assert v1 == (SAMPLE / "image" / "controlnet.json").read_bytes()
    assert re.search(r"mode +REPLICA of GitHub\n", replica.output)


async def test_a_replica_has_no_journal_to_work_on(tmp_path: Path) -> None:
    settings = replica_settings(tmp_path, 1)
    for words in (("seed", "--from", str(SAMPLE)), ("verify",), ("export", str(tmp_path / "out"))):
        status, _, err = await run_command(*words, settings=settings)
        assert (status, len(err.splitlines())) == (1, 1)
        assert "HORDE_MODEL_REFERENCE_REPLICATE_MODE" in err


class Pair:
    """A PRIMARY of the real data, and its replica."""

    def __init__(self, replica: ServiceProcess, horde_port: int) -> None:
        self._url = replica.base_url
        self._horde_port = str(horde_port)

    async def check(self, *options: str, horde: str) -> list[str]:
        """Run the contract runner and return what it printed."""
        words = ["--base-url", self._url, "--strict", "--horde", horde, "--horde-port", self._horde_port]
        output = await run_runner("check_read.py", *words, "--jobs", "8", "-q", *options)
        return output.splitlines()


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    port, horde_port = free_port(), free_port()
    horde = {
        "AI_HORDE_URL": f"http://127.0.0.1:{horde_port}/api/",
        "PENDING_QUEUE__REQUESTOR_IDS": "101,102",
        "PENDING_QUEUE__APPROVER_IDS": "202,203",
    }
    primary = service("serve", primary_settings(tmp_path, SEED_DIR=str(SHARED / "data")), port=port)
    async with primary, service("serve", replica_settings(tmp_path, port, **horde)) as replica:
        await replica.wait_until("/ready", 200)
        await until_stale(replica, stale=False)
        yield Pair(replica, horde_port)


@requires_shared
@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_reads_through_a_replica_keep_the_contract(pair: Pair) -> None:
    lines = await pair.check(horde="none")

    failed = [line.removeprefix("FAIL ") for line in lines if line.startswith("FAIL ")]
    assert [line for line in failed if not line.startswith(LATER_GROUPS)] == []
    assert "mode replica" in lines[-2]
    assert int(lines[-1].split()[0]) > 600


@requires_shared
@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_who_has_a_key_is_told_by_a_replica_that_it_takes_no_writes(pair: Pair) -> None:
    lines = await pair.check("--group", "auth", horde="up")

    assert [line for line in lines if line.startswith("FAIL ")] == []
    assert int(lines[-1].split()[0]) >= 16
