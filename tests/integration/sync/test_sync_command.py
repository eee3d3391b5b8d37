"""`horde-reference sync`, `drift` and `sync-worker` as processes (sync.md sections 5, 11 and 12)."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from support.event_listeners import eventually
from support.processes import CONSOLE_SCRIPT, clean_environment, free_port
from support.reference_data import requires_shared
from support.sync_world import SyncWorld, sync_world

pytestmark = requires_shared

IMAGE = "image_generation"
FEW = ("--category", "blip,clip", "--category", IMAGE)
PATIENCE_SECONDS = 60.0


@pytest.fixture
async def world() -> AsyncIterator[SyncWorld]:
    async with sync_world() as world:
        yield world


def environment(world: SyncWorld, **changes: str) -> dict[str, str]:
    """Return the environment of a command; `changes` are variables without HORDE_GITHUB_SYNC_."""
    ours = ("HORDE_GITHUB_SYNC_", "GITHUB_", "GIT_")
    clean = {name: value for name, value in clean_environment({}).items() if not name.startswith(ours)}
    return clean | {name: str(value) for name, value in world.variables(**changes).items()}


async def start(world: SyncWorld, *words: str, **changes: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        CONSOLE_SCRIPT,
        *words,
        env=environment(world, **changes),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def run(world: SyncWorld, *words: str, **changes: str) -> tuple[int | None, str, str]:
    """Run a command to its end; return status, standard output, standard error."""
    process = await start(world, *words, **changes)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def change(world: SyncWorld, category: str = IMAGE) -> str:
    """Make a revision in which one model is another; return its name."""
    name = next(iter(world.primary.newest[category]))
    world.primary.change(category, name, description="Another one.")
    return name


async def test_sync_tells_what_it_did_and_ends_with_0(world: SyncWorld) -> None:
    status, out, err = await run(world, "sync", "--once", *FEW)
    assert (status, err) == (0, "")
    assert "in step, revision 1" in out
    change(world)
    status, out, _ = await run(world, "sync", *FEW)
    assert status == 0
    assert "opened, revision 2" in out
    assert "pull request #1" in out
    assert len(world.open_pulls()) == 1
    status, out, _ = await run(world, "sync", *FEW)
    assert (status, "waiting, revision 2" in out) == (0, True)


async def test_primary_that_has_no_such_category_ends_with_1(world: SyncWorld) -> None:
    del world.primary.newest["clip"]
    status, out, _ = await run(
        world, "sync", "--primary-url", f"{world.primary.url}/", "--category", "clip", PRIMARY_API_URL=""
    )
    assert status == 1
    assert "FAILED clip" in out


async def test_emptied_category_ends_with_1_and_says_which(world: SyncWorld) -> None:
    world.primary.newest[IMAGE].clear()
    status, out, _ = await run(world, "sync", *FEW)
    assert status == 1
    assert f"FAILED {IMAGE}" in out
    assert world.github.writes() == []


async def test_dry_run_needs_no_credentials_and_writes_nothing(world: SyncWorld) -> None:
    change(world)
    status, out, _ = await run(world, "sync", "--dry-run", *FEW, GITHUB_TOKEN="")
    assert status == 0
    assert f"{IMAGE}: 0 added, 0 removed, 1 modified" in out
    assert world.github.writes() == []


async def test_offline_writes_a_folder_for_each_repository_and_nothing_else(
    world: SyncWorld, tmp_path: Path
) -> None:
    name = change(world)
    text = change(world, "text_generation")
    status, out, _ = await run(world, "sync", "--offline", str(tmp_path), GITHUB_TOKEN="")
    assert status == 0
    assert "rendered" in out
    assert world.github.writes() == []
    assert sorted(path.name for path in (tmp_path / "image").iterdir()) == [
        "changes.diff",
        "stable_diffusion.json",
    ]
    assert sorted(path.name for path in (tmp_path / "text").iterdir()) == [
        "changes.diff",
        "db.json",
        "models.csv",
    ]
    written = json.loads((tmp_path / "image" / "stable_diffusion.json").read_bytes())
    assert written[name]["description"] == "Another one."
    assert "stable_diffusion.json" in (tmp_path / "image" / "changes.diff").read_text()
    assert text in (tmp_path / "text" / "changes.diff").read_text()


async def test_old_words_for_offline_still_work(world: SyncWorld, tmp_path: Path) -> None:
    status, _, _ = await run(
        world, "sync", "--no-pr", "--output-dir", str(tmp_path), "--categories", "clip", "--target-dir", "x"
    )
    assert status == 0
    assert (tmp_path / "image" / "changes.diff").read_bytes() == b""
    status, _, err = await run(world, "sync", "--no-pr")
    assert (status, "OUTPUT_DIR" in err) == (1, True)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"GITHUB_TOKEN": ""}, "HORDE_GITHUB_SYNC_GITHUB_TOKEN"),
        ({"PRIMARY_API_URL": ""}, "HORDE_GITHUB_SYNC_PRIMARY_API_URL"),
        ({"PRIMARY_API_URL": "ftp://x"}, "HORDE_GITHUB_SYNC_PRIMARY_API_URL"),
        ({"CATEGORIES_TO_SYNC": "clip, nonsense"}, "nonsense"),
        ({"CATEGORIES_TO_SYNC": '["lora", "ti"]'}, "HORDE_GITHUB_SYNC_CATEGORIES_TO_SYNC"),
        ({"PRIMARY_API_TIMEOUT": "soon"}, "HORDE_GITHUB_SYNC_PRIMARY_API_TIMEOUT"),
    ],
)
@pytest.mark.parametrize("command", ["sync", "sync-worker"])
async def test_setting_that_cannot_be_used_ends_with_1_and_its_name(
    world: SyncWorld, command: str, changes: dict[str, str], named: str
) -> None:
    status, _, err = await run(world, command, **changes)
    assert status == 1
    assert named in err
    assert world.github.calls() == []


@pytest.mark.parametrize(
    "words",
    [
        ("--category", "nonsense"),
        ("--primary-url", "nonsense"),
        ("--once", "--watch"),
        ("--dry-run", "--offline", "x"),
        ("--nonsense",),
        ("--category", ""),
        ("--category", " , "),
        ("--watch-interval", "0"),
        ("--watch-interval=-1",),
        ("--watch-interval", "nan"),
        ("--watch-interval", "soon"),
    ],
)
async def test_wrong_words_end_with_2(world: SyncWorld, words: tuple[str, ...]) -> None:
    status, _, _ = await run(world, "sync", *words)
    assert status == 2


@pytest.mark.parametrize(
    ("words", "changes"), [(("--watch", "--force"), {}), (("--force",), {"WATCH_MODE": "true"})]
)
async def test_force_is_for_one_run(
    world: SyncWorld, words: tuple[str, ...], changes: dict[str, str]
) -> None:
    status, _, err = await asyncio.wait_for(run(world, "sync", *words, **changes), PATIENCE_SECONDS)
    assert (status, "--once" in err) == (1, True)
    assert world.github.calls() == []
    status, _, _ = await run(world, "sync", "--once", "--force", *FEW, WATCH_MODE="true")
    assert status == 0


async def test_drift_tells_both_directions_and_imports_nothing(world: SyncWorld) -> None:
    status, out, _ = await run(world, "drift", "--exit-code", "--category", "clip", GITHUB_TOKEN="")
    assert (status, "clip: no difference" in out) == (0, True)
    removed, changed, *_ = list(world.primary.newest[IMAGE])
    world.primary.remove(IMAGE, removed)
    world.primary.change(IMAGE, changed, description="Another one.")
    world.primary.change(IMAGE, "new one", description="New.")
    words = ("--category", IMAGE)
    status, out, _ = await run(world, "drift", *words, GITHUB_TOKEN="")
    assert status == 0
    assert f"only on github: {json.dumps(removed)}" in out
    assert 'only in the primary: "new one"' in out
    assert f"different in the primary: {json.dumps(changed)}" in out
    status, out, _ = await run(world, "drift", "--json", "--exit-code", *words, GITHUB_TOKEN="")
    assert status == 3
    [repository] = json.loads(out)["repositories"].values()
    sides = repository["categories"][IMAGE]
    assert {side: list(records) for side, records in sides.items()} == {
        "only_on_github": [removed],
        "only_in_the_primary": ["new one"],
        "different_in_the_primary": [changed],
    }
    assert world.github.writes() == []
    assert world.primary.head == 4


async def test_drift_that_cannot_be_told_ends_with_1(world: SyncWorld) -> None:
    world.github.fault("*/git/trees/*", status=404, count=99)
    status, out, _ = await run(world, "drift", "--exit-code", "--category", "clip")
    assert (status, "FAILED" in out) == (1, True)


async def test_watch_carries_every_other_revision_over_until_it_is_stopped(world: SyncWorld) -> None:
    changes = {"QUIET_SECONDS": "0.05", "CATEGORIES_TO_SYNC": "blip, clip"}
    process = await start(world, "sync", "--watch", "--watch-interval", "0.05", **changes)
    try:
        await eventually(lambda: len(world.primary.asked) > 3, PATIENCE_SECONDS)
        change(world, "clip")
        await eventually(lambda: len(world.open_pulls()) == 1, PATIENCE_SECONDS)
        world.primary.pasts.pop()  # a backup is restored: the revision falls
        out = await _read_until(process, b"ended")
        process.send_signal(signal.SIGINT)
        await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert process.returncode == 0
    assert [line.split(": ")[1] for line in out.decode().splitlines() if "revision" in line][:3] == [
        "in step, revision 1",
        "opened, revision 2",
        "ended, revision 1",
    ]


async def test_worker_keeps_in_step_tells_its_health_and_stops_in_order(world: SyncWorld) -> None:
    port = free_port()
    changes = {"QUIET_SECONDS": "0.05", "WATCH_INTERVAL_SECONDS": "0.05", "CATEGORIES_TO_SYNC": "blip, clip"}
    process = await asyncio.create_subprocess_exec(
        CONSOLE_SCRIPT,
        "sync-worker",
        env=environment(world, **changes) | {"HORDE_MODEL_REFERENCE_PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        change(world, "clip")
        await eventually(lambda: len(world.open_pulls()) == 1, PATIENCE_SECONDS)
        async with aiohttp.ClientSession() as session:

            async def ask(path: str) -> tuple[int, str]:
                async with session.get(f"http://127.0.0.1:{port}{path}") as answer:
                    return answer.status, await answer.text()

            status, health = await _until_success(ask)
            assert (status, json.loads(health)["status"]) == (200, "ready")
            _, metrics = await ask("/metrics")
            assert 'sync_drift{category="clip",repository="image"} 1.0' in metrics
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert process.returncode == 0
    assert world.variables()["HORDE_GITHUB_SYNC_GITHUB_TOKEN"] not in err.decode()


async def _read_until(process: asyncio.subprocess.Process, word: bytes) -> bytes:
    assert process.stdout is not None
    out = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while word not in out:
            line = await process.stdout.readline()
            assert line, out
            out += line
    return out


async def _until_success(ask: Callable[[str], Awaitable[tuple[int, str]]]) -> tuple[int, str]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (answer := await ask("/ready"))[0] != 200:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.02)
        return answer
