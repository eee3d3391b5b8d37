"""The service while its neighbours fail (architecture section 7)."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from support.fault_proxy import FaultProxy
from support.lying_s3 import running_lying_s3
from support.processes import ServiceProcess, run_command, service
from support.servers import RedisServer, S3Server, through
from support.sources import SAMPLE, a_clip_record, a_legacy_file

CLIP = "/api/model_references/v2/clip"


async def get(process: ServiceProcess, path: str = CLIP, **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.get(process.root_url + path, headers=named) as answer,
    ):
        found = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, found, await answer.read()


async def until_stale(process: ServiceProcess, *, stale: bool) -> dict[str, str]:
    async with asyncio.timeout(60):
        while True:
            status, headers, _ = await get(process)
            assert status == 200
            if ("x-stale" in headers) is stale:
                return headers
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def on_s3(server: S3Server, **more: str) -> AsyncIterator[tuple[dict[str, str], FaultProxy]]:
    """Yield settings for a fresh journal in S3, behind a proxy that can be made to fail."""
    async with FaultProxy(*server.address) as proxy:
        settings = {
            **server.environment(port=proxy.port),
            "S3__CONNECT_TIMEOUT_SECONDS": "10",
            "S3__READ_TIMEOUT_SECONDS": "4",
            "S3__ATTEMPTS": "1",
            "SEED_DIR": str(SAMPLE),
            "HEAD_POLL_SECONDS": "0.3",
            **more,
        }
        yield settings, proxy


async def test_s3_down_at_the_start_is_attached_when_it_is_back(s3_server: S3Server) -> None:
    async with on_s3(s3_server) as (settings, proxy):
        proxy.refuse()
        async with service("serve", settings) as process:
            await process.wait_until("/live", 200)
            await process.wait_until("/ready", 503)
            status, headers, body = await get(process)
            assert (status, "retry-after" in headers) == (503, True)
            assert "detail" in json.loads(body)
            proxy.heal()
            await process.wait_until("/ready", 200)
            assert (await get(process))[1]["x-revision"] == "1"


@pytest.mark.parametrize("fault", ["refuse", "blackhole"])
async def test_s3_down_later_serves_from_memory_and_says_stale(s3_server: S3Server, fault: str) -> None:
    async with on_s3(s3_server) as (settings, proxy), service("serve", settings) as process:
        await process.wait_until("/ready", 200)
        assert "x-stale" not in (await get(process))[1]
        getattr(proxy, fault)()
        headers = await until_stale(process, stale=True)
        assert headers["x-revision"] == "1"
        proxy.heal()
        await until_stale(process, stale=False)


async def test_revision_made_while_s3_was_away_is_served_after_it_is_back(
    s3_server: S3Server, tmp_path: Path
) -> None:
    for path in SAMPLE.rglob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "clip.json").write_bytes(a_legacy_file({"New": a_clip_record("New")}))
    patient = {"MIN_REVISION_WAIT_SECONDS": "30"}
    async with on_s3(s3_server, **patient) as (settings, proxy), service("serve", settings) as process:
        await process.wait_until("/ready", 200)
        proxy.refuse()
        await until_stale(process, stale=True)
        direct = {
            **settings,
            "S3__ENDPOINT_URL": s3_server.endpoint,
            "S3__READ_TIMEOUT_SECONDS": "20",
        }
        status, out, err = await run_command("seed", "--from", str(tmp_path), settings=direct)
        assert status == 0, (out, err)
        proxy.heal()
        status, headers, body = await get(process, X_Min_Revision="2")
        assert (status, headers["x-revision"]) == (200, "2")
        assert list(json.loads(body)) == ["New"]


async def test_commands_on_a_store_that_is_down_fail_with_a_line(s3_server: S3Server) -> None:
    async with on_s3(s3_server) as (settings, proxy):
        proxy.refuse()
        for words in (("seed", "--from", str(SAMPLE)), ("verify",), ("export", "unused")):
            status, _, err = await run_command(*words, settings=settings)
            assert status == 1
            assert len(err.splitlines()) == 1, err


async def test_store_that_ignores_the_condition_is_refused() -> None:
    async with running_lying_s3() as s3:
        settings = {
            "S3__ENDPOINT_URL": s3.endpoint_url,
            "S3__BUCKET": s3.bucket,
            "S3__ACCESS_KEY": s3.access_key,
            "S3__SECRET_KEY": s3.secret_key.get_secret_value(),
            "SEED_DIR": str(SAMPLE),
        }
        async with service("serve", settings) as process:
            assert await process.ended() == 1
        assert "ignores the condition" in process.output
        status, _, err = await run_command("seed", "--from", str(SAMPLE), settings=settings)
        assert status == 1
        assert "ignores the condition" in err


async def test_two_processes_starting_on_one_empty_bucket_make_one_revision(s3_server: S3Server) -> None:
    async with on_s3(s3_server) as (settings, _):
        async with service("serve", settings) as first, service("serve", settings) as second:
            for process in (first, second):
                await process.wait_until("/ready", 200)
                assert (await get(process))[1]["x-revision"] == "1"
        status, out, _ = await run_command("verify", settings=settings)
        assert (status, out.split(b" ")[0]) == (0, b"1"), out


async def test_redis_that_never_answers_costs_nothing_but_time(tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(tmp_path), "SEED_DIR": str(SAMPLE), "REDIS__URL": "redis://127.0.0.1:1/0"}
    async with service("serve", settings) as process:
        await process.wait_until("/ready", 200)
        assert (await get(process))[0] == 200


async def test_redis_that_dies_while_running_is_not_noticed_by_readers(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    async with FaultProxy(*redis_server.address) as proxy:
        settings = {
            "DATA_DIR": str(tmp_path),
            "SEED_DIR": str(SAMPLE),
            "REDIS__URL": through(redis_server.url, proxy.port),
            "REDIS__KEY_PREFIX": redis_server.settings().key_prefix,
        }
        async with service("serve", settings) as process:
            await process.wait_until("/ready", 200)
            proxy.blackhole()
            assert (await get(process))[0] == 200
            await process.wait_until("/ready", 200)


async def best_tag(process: ServiceProcess) -> str:
    """Return the validator of the best compressed form, which takes its time to make."""
    path = "/api/model_references/v1/db.json"
    async with asyncio.timeout(60):
        while True:
            _, headers, _ = await get(process, path, Accept_Encoding="gzip")
            if headers["etag"].endswith('-gzip-best"'):
                return headers["etag"]
            await asyncio.sleep(0.05)


async def test_second_instance_takes_the_compressed_forms_from_redis(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    settings = {
        "DATA_DIR": str(tmp_path),
        "SEED_DIR": str(SAMPLE),
        "REDIS__URL": redis_server.url,
        "REDIS__KEY_PREFIX": redis_server.settings().key_prefix,
        "REDIS__CONNECT_TIMEOUT_SECONDS": "20",
        "REDIS__CALL_TIMEOUT_SECONDS": "20",
    }
    tags, metrics = [], ""
    for _ in range(2):
        async with service("serve", settings) as process:
            await process.wait_until("/ready", 200)
            tags.append(await best_tag(process))
            metrics = (await get(process, "/metrics"))[2].decode()
    assert tags[0] == tags[1]
    hits = [line for line in metrics.splitlines() if line.startswith('cache_keys_total{outcome="hit"}')]
    assert hits, metrics
    assert float(hits[0].split()[-1]) > 0


async def test_ctrl_c_while_waiting_for_s3_ends_in_order(s3_server: S3Server) -> None:
    async with on_s3(s3_server) as (settings, proxy):
        proxy.blackhole()
        async with service("serve", settings) as process:
            await process.wait_until("/live", 200)
            assert await process.stop(signal.SIGINT) == 0
        assert "Traceback" not in process.output


async def test_second_seed_of_the_same_data_in_s3_appends_nothing(s3_server: S3Server) -> None:
    async with on_s3(s3_server) as (settings, _):
        outputs = [await run_command("seed", "--from", str(SAMPLE), settings=settings) for _ in range(2)]
        assert [status for status, _, _ in outputs] == [0, 0], outputs
        assert outputs[0][1].splitlines()[-1].startswith(b"seeded: revision 1")
        assert outputs[1][1].splitlines()[-1].startswith(b"nothing to change: revision 1")
        status, out, _ = await run_command("verify", settings=settings)
        assert (status, out.split(b" ")[0]) == (0, b"1"), out
