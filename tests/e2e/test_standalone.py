"""The whole service as its user meets it: a process, its banner, its answers, its end."""

import asyncio
import contextlib
import json
import re
import signal
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from registry.sources import SEED_FILES
from support.processes import (
    CONSOLE_SCRIPT,
    ServiceProcess,
    clean_environment,
    free_port,
    run_command,
    service,
)
from support.sources import SAMPLE, a_clip_record, a_legacy_file

NOWHERE = "http://127.0.0.1:1"  # nothing listens there: refused at once


async def get_json(url: str) -> object:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200, await answer.text()
        return json.loads(await answer.read())


async def get(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with aiohttp.ClientSession() as session, session.get(url, headers=named) as answer:
        return (
            answer.status,
            {key.lower(): value for key, value in answer.headers.items()},
            await answer.read(),
        )


def settings_for(data_dir: Path, **more: str) -> dict[str, str]:
    return {"DATA_DIR": str(data_dir), "SEED_DIR": str(SAMPLE), **more}


def copy_of_sample(folder: Path) -> Path:
    for path in SAMPLE.rglob("*.*"):
        target = folder / path.relative_to(SAMPLE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return folder


async def test_first_start_seeds_says_so_and_serves_both_formats(tmp_path: Path) -> None:
    async with service("serve", settings_for(tmp_path)) as process:
        await process.wait_until("/ready", 200)
        _, _, v1 = await get(f"{process.base_url}/model_references/v1/controlnet.json")
        v2 = await get_json(f"{process.root_url}/model_references/v2/controlnet")
        status = await process.stop(signal.SIGINT)
    assert v1 == (SAMPLE / "image" / "controlnet.json").read_bytes()
    assert isinstance(v2, dict)
    assert list(v2) == ["control_sample_canny", "control_sample_depth"]
    assert status == 0
    assert re.search(r"mode +PRIMARY, canonical format v2", process.output)
    assert re.search(r"revision +1 of .* seeded from directory sample", process.output)
    assert re.search(r"models +\d+: blip 1, clip 1", process.output)
    assert f"http://127.0.0.1:{process.port}/api" in process.output
    assert "Traceback" not in process.output


async def test_ready_tells_of_the_queue_and_the_ai_horde_too(tmp_path: Path) -> None:
    async with service("serve", settings_for(tmp_path)) as process, asyncio.timeout(60):
        await process.wait_until("/ready", 200)
        while True:
            checks = json.loads((await get(f"{process.root_url}/ready"))[2])["checks"]
            if checks["queue"] == "ok":
                break
            await asyncio.sleep(0.05)
    assert checks.keys() == {"catalogue", "queue", "seeding", "ai_horde"}
    assert (checks["catalogue"], checks["queue"]) == ("ok", "ok")


async def test_restart_serves_the_same_revision(tmp_path: Path) -> None:
    tags = []
    for _ in range(2):
        async with service("serve", settings_for(tmp_path)) as process:
            await process.wait_until("/ready", 200)
            _, headers, _ = await get(f"{process.base_url}/model_references/v2/clip")
            tags.append((headers["etag"], headers["x-revision"]))
            assert await process.stop() == 0
    assert tags[0] == tags[1]
    assert tags[0][1] == "1"


async def test_without_seed_folder_and_network_the_sample_is_served(tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(tmp_path), "GITHUB_PROXY_URL_BASE": NOWHERE, "GITHUB_API_URL": NOWHERE}
    async with service("serve", settings) as process:
        await process.wait_until("/ready", 200)
        await process.stop()
    assert "seeded from the sample catalogue" in process.output


async def test_without_seed_folder_the_repositories_are_fetched(tmp_path: Path) -> None:
    async def serve_sample(request: web.Request) -> web.Response:
        url = request.path
        assert "https://raw.githubusercontent.com/" in url.replace("https:/r", "https://r")
        folder = "image" if "image-model-reference" in url else "text"
        path = SAMPLE / folder / url.rsplit("/", 1)[1]
        if path.name == "db.json":
            return web.Response(body=DB_JSON)
        return web.Response(body=path.read_bytes())

    _, DB_JSON, _ = await run_command(  # noqa: N806
        "convert", "roundtrip", "text_generation", stdin=(SAMPLE / "text" / "models.csv").read_bytes()
    )
    app = web.Application()
    app.router.add_get("/{path:.*}", serve_sample)
    async with TestServer(app) as github:
        settings = {
            "DATA_DIR": str(tmp_path),
            "GITHUB_PROXY_URL_BASE": str(github.make_url("")).rstrip("/"),
            "GITHUB_API_URL": NOWHERE,
        }
        async with service("serve", settings) as process:
            await process.wait_until("/ready", 200)
            _, _, db_json = await get(f"{process.base_url}/model_references/v1/db.json")
            await process.stop()
    assert "seeded from github" in process.output
    assert db_json == DB_JSON


async def test_seed_folder_that_cannot_be_read_ends_the_start(tmp_path: Path) -> None:
    async with service("serve", settings_for(tmp_path, SEED_DIR=str(tmp_path / "nowhere"))) as process:
        assert await process.ended() == 1
    assert "nowhere is not a directory" in process.output


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CANONICAL_FORMAT", "v3"),
        ("HEAD_POLL_SECONDS", "often"),
        ("CORS_ALLOWED_ORIGINS", '["unfinished'),
        ("REPLICATE_MODE", "MIRROR"),
        ("PRIMARY_API_URL", "models.example"),
    ],
)
async def test_setting_that_cannot_be_used_ends_the_start_with_its_name(
    tmp_path: Path, name: str, value: str
) -> None:
    async with service("serve", settings_for(tmp_path, **{name: value})) as process:
        assert await process.ended() == 1
    assert f"HORDE_MODEL_REFERENCE_{name}" in process.output
    assert "Traceback" not in process.output


async def test_taken_port_ends_the_start_with_its_number(tmp_path: Path) -> None:
    port = free_port()
    async with service("serve", settings_for(tmp_path), port=port) as first:
        await first.wait_until("/ready", 200)
        async with service("serve", settings_for(tmp_path), port=port) as second:
            assert await second.ended() == 1
    assert f"port {port}" in second.output


async def test_another_process_seeds_and_the_running_one_follows(tmp_path: Path) -> None:
    files = copy_of_sample(tmp_path / "files")
    data_dir = tmp_path / "data"
    async with service("serve", settings_for(data_dir, HEAD_POLL_SECONDS="600")) as process:
        await process.wait_until("/ready", 200)
        (files / "image" / "clip.json").write_bytes(a_legacy_file({"New": a_clip_record("New")}))
        status, out, err = await run_command(
            "seed", "--from", str(files), settings={"DATA_DIR": str(data_dir)}
        )
        assert (status, err) == (0, ""), err
        assert b"seeded: revision 2" in out
        code, headers, body = await get(f"{process.base_url}/model_references/v2/clip", X_Min_Revision="2")
        assert (code, headers["x-revision"]) == (200, "2")
        assert list(json.loads(body)) == ["New"]


async def test_kill_at_any_moment_of_the_first_start_is_repaired_by_the_next(tmp_path: Path) -> None:
    for number, delay_seconds in enumerate((0.2, 0.35, 0.5, 0.65, 0.8)):
        data_dir = tmp_path / str(number)
        async with service("serve", settings_for(data_dir)) as process:
            await asyncio.sleep(delay_seconds)
            process.process.kill()
            await process.ended()
        async with service("serve", settings_for(data_dir)) as process:
            await process.wait_until("/ready", 200)
            _, headers, _ = await get(f"{process.base_url}/model_references/v2/clip")
            assert headers["x-revision"] == "1"
        status, out, _ = await run_command("verify", settings={"DATA_DIR": str(data_dir)})
        assert status == 0, out


async def until_status_names(process: ServiceProcess, text: str) -> None:
    """Wait until the status page names what is wrong; before the first look it says nothing."""
    await process.wait_until("/api/status", 200)
    async with asyncio.timeout(60):
        while True:
            _, _, body = await get(f"{process.base_url}/status")
            if text in (json.loads(body)["store"]["problem"] or ""):
                return
            await asyncio.sleep(0.05)


async def test_damaged_blob_is_named_and_never_served(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    assert (await run_command("seed", "--from", str(SAMPLE), settings=settings))[0] == 0
    entry = json.loads((tmp_path / "journal" / f"{1:012d}.json").read_bytes())
    digest = entry["catalogue"]["categories"]["clip"]["v2"]
    blob = tmp_path / "blobs" / digest
    whole = blob.read_bytes()
    blob.chmod(0o644)
    blob.write_bytes(whole[:-1])
    status, out, _ = await run_command("verify", settings=settings)
    assert status == 1
    assert digest in out.decode()
    async with service("serve", {**settings, "HEAD_POLL_SECONDS": "0.2"}) as process:
        await until_status_names(process, digest)
        await process.wait_until("/ready", 503)
        code, headers, _ = await get(f"{process.base_url}/model_references/v2/clip")
        assert (code, "retry-after" in headers) == (503, True)
        blob.write_bytes(whole)
        await process.wait_until("/ready", 200)
        await process.stop()
    assert digest in process.output


async def test_every_command_fails_with_a_line_and_status_one(tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(tmp_path)}
    for words, said in (
        (("export", str(tmp_path / "out")), "holds no catalogue"),
        (("seed", "--from", str(tmp_path / "none")), "not a directory"),
        (("convert", "to-v2", "clip"), "line 1 column 1: expected an object"),
    ):
        status, _, err = await run_command(*words, settings=settings)
        assert status == 1
        assert re.search(said, err), err
        assert len(err.splitlines()) == 1


async def test_exported_files_are_the_seeded_ones(tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(tmp_path / "data")}
    assert (await run_command("seed", "--from", str(SAMPLE), settings=settings))[0] == 0
    status, out, _ = await run_command("export", str(tmp_path / "out"), settings=settings)
    assert status == 0
    for folder, names in SEED_FILES.values():
        assert (tmp_path / "out" / folder / names[0]).read_bytes() == (
            SAMPLE / folder / names[0]
        ).read_bytes()
    assert len(out.splitlines()) == len(list((tmp_path / "out").rglob("*.*")))


async def test_full_disk_refuses_the_seed_with_a_line_while_reads_go_on(small_disk: Path) -> None:
    settings = settings_for(small_disk / "data", HEAD_POLL_SECONDS="0.2")
    async with service("serve", settings) as process:
        await process.wait_until("/ready", 200)
        filler = small_disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        files = small_disk.parent / "files"
        copy_of_sample(files)
        (files / "image" / "clip.json").write_bytes(a_legacy_file({"New": a_clip_record("New")}))
        status, _, err = await run_command("seed", "--from", str(files), settings=settings)
        assert status == 1
        assert "no room" in err
        _, headers, _ = await get(f"{process.base_url}/model_references/v2/clip")
        assert headers["x-revision"] == "1"
        assert "x-stale" not in headers
        filler.unlink()
        assert (await run_command("seed", "--from", str(files), settings=settings))[0] == 0
        assert (await run_command("verify", settings=settings))[0] == 0
        _, headers, _ = await get(f"{process.base_url}/model_references/v2/clip", X_Min_Revision="2")
        assert headers["x-revision"] == "2"


async def test_ctrl_c_while_the_repositories_do_not_answer_ends_in_order(tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()  # until the client goes away
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = {"DATA_DIR": str(tmp_path), "GITHUB_PROXY_URL_BASE": address, "GITHUB_API_URL": NOWHERE}
    async with service("serve", settings) as process:
        await asyncio.wait_for(asked.wait(), 60)
        assert await process.stop(signal.SIGINT) == 0
    assert "Traceback" not in process.output
    asked.clear()
    named = {f"HORDE_MODEL_REFERENCE_{name}": value for name, value in settings.items()}
    command = await asyncio.create_subprocess_exec(
        CONSOLE_SCRIPT,
        "seed",
        "--from",
        "github",
        env=clean_environment(named),
        stderr=asyncio.subprocess.PIPE,
    )
    await asyncio.wait_for(asked.wait(), 60)
    command.send_signal(signal.SIGINT)
    _, err = await asyncio.wait_for(command.communicate(), 60)
    assert (command.returncode, err) == (130, b"horde-reference seed: interrupted\n")
    server.close()


@pytest.mark.parametrize("answer", ["missing", "broken", "page", "half"])
async def test_seed_from_repositories_that_answer_wrongly_changes_nothing(
    tmp_path: Path, answer: str
) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        match answer:
            case "missing":
                raise web.HTTPNotFound
            case "broken":
                raise web.HTTPInternalServerError
            case "page":
                return web.Response(text="<html>please log in</html>", content_type="text/html")
            case _:
                response = web.StreamResponse(headers={"Content-Length": "1000"})
                await response.prepare(request)
                await response.write(b'{"half": ')
                assert request.transport is not None
                request.transport.close()
                return response

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    async with TestServer(app) as github:
        settings = {
            "DATA_DIR": str(tmp_path),
            "GITHUB_PROXY_URL_BASE": str(github.make_url("")).rstrip("/"),
            "GITHUB_API_URL": NOWHERE,
        }
        status, _, err = await run_command("seed", "--from", "github", settings=settings)
    assert status == 1
    assert len(err.splitlines()) == 1, err
    assert ".json" in err or "blip" in err
    assert not (tmp_path / "journal").exists()


async def test_service_whose_output_nobody_reads_serves_and_follows(tmp_path: Path) -> None:
    async with service("serve", settings_for(tmp_path, HEAD_POLL_SECONDS="0.2")) as process:
        output = process.process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]  # not public
        output.close()
        await process.wait_until("/ready", 200)
        await asyncio.sleep(1)
        _, headers, _ = await get(f"{process.base_url}/model_references/v2/clip")
        assert "x-stale" not in headers
        assert await process.stop() == 0


@pytest.mark.parametrize("words", [(), ("bogus",), ("seed",), ("export",), ("serve", "extra")])
async def test_wrong_call_ends_with_status_two_and_the_usage(words: tuple[str, ...]) -> None:
    status, out, err = await run_command(*words)
    assert (status, out) == (2, b"")
    assert err.startswith("usage: horde-reference")
