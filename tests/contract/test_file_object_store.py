"""The directory: between processes, when it is full, forbidden, or its writer is killed."""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from service_kit.errors import StoreFull, StoreUnavailable
from service_kit.file_object_store import (
    DRAFTS,
    STALE_DRAFT_SECONDS,
    FileObjectStore,
    open_file_store,
)

PROCESSES, KEYS = 8, 40
PRELUDE = """
import asyncio, concurrent.futures.thread, os, resource, sys  # before the rights are given up
from pathlib import Path
from service_kit.errors import ObjectExists, StoreFull, StoreUnavailable
from service_kit.file_object_store import FileObjectStore, open_file_store
"""
RACER = """
async def race(root, me):
    root.mkdir(exist_ok=True)
    store = FileObjectStore(root)
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(sys.argv[3])):
        try:
            await store.create(f"journal/{number:012d}.json", me.encode() * 1000)
            print(number, flush=True)
        except ObjectExists:
            pass
asyncio.run(race(Path(sys.argv[1]), sys.argv[2]))
"""
ENDLESS_WRITER = """
async def write(root):
    root.mkdir(exist_ok=True)
    store = FileObjectStore(root)
    for number in range(100_000):
        await store.create(f"journal/{number:012d}.json", b"x" * 300_000)
        print(number, flush=True)
asyncio.run(write(Path(sys.argv[1])))
"""
LIMITED_WRITER = """
async def write(root):
    root.mkdir(exist_ok=True)
    store = FileObjectStore(root)
    await store.create("journal/1", b"x" * 1000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    try:
        await store.create("journal/2", b"x" * 100_000)
    except StoreFull as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10**9, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    await store.create("journal/2", b"y" * 100_000)
asyncio.run(write(Path(sys.argv[1])))
"""
STRANGER = """
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
async def use(root):
    store = FileObjectStore(root)
    for call in (store.get("journal/1"), store.create("journal/2", b"x"), store.list_after("journal/")):
        try:
            await call
        except StoreUnavailable as error:
            print(error)
    try:
        async with open_file_store(root):
            pass
    except StoreUnavailable as error:
        print(error)
asyncio.run(use(Path(sys.argv[1])))
"""


@pytest.fixture
async def store(data_dir: Path) -> AsyncIterator[FileObjectStore]:
    async with open_file_store(data_dir) as store:
        yield store


def python(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_python(script: str, *arguments: object) -> str:
    with python(script, *arguments) as process:
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output


def run_race(root: Path) -> list[set[int]]:
    """Let processes race for the same keys; return the keys that each of them won."""
    with contextlib.ExitStack() as stack:
        racers = [stack.enter_context(python(RACER, root, n, KEYS)) for n in range(PROCESSES)]
        for racer in racers:
            assert racer.stdout is not None
            racer.stdout.readline()
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        return [{int(line) for line in racer.communicate(timeout=60)[0].split()} for racer in racers]


async def test_of_many_racing_processes_one_wins_each_key(store: FileObjectStore, data_dir: Path) -> None:
    wins = await asyncio.to_thread(run_race, data_dir)
    assert sorted(key for won in wins for key in won) == list(range(KEYS))
    for process, won in enumerate(wins):
        for key in won:
            assert await store.get(f"journal/{key:012d}.json") == str(process).encode() * 1000
    assert drafts(data_dir) == []


async def test_writer_killed_at_any_moment_leaves_only_whole_objects(data_dir: Path) -> None:
    acknowledged = await asyncio.to_thread(kill_a_writer, data_dir)
    async with open_file_store(data_dir) as store:
        keys = await store.list_after("journal/")
        assert len(keys) >= acknowledged > 0
        for key in keys:
            assert await store.get(key) == b"x" * 300_000


def kill_a_writer(root: Path) -> int:
    with python(ENDLESS_WRITER, root) as writer:
        assert writer.stdout is not None
        for _ in range(20):
            writer.stdout.readline()
        writer.kill()
        return 20 + len(writer.stdout.readlines())


async def test_write_past_the_limit_raises_store_full_and_leaves_nothing(data_dir: Path) -> None:
    output = await asyncio.to_thread(run_python, LIMITED_WRITER, data_dir)
    assert output == "the data directory has no room left\n"
    async with open_file_store(data_dir) as store:
        assert await store.get("journal/1") == b"x" * 1000
        assert await store.get("journal/2") == b"y" * 100_000  # written when there was room again
    assert drafts(data_dir) == []


async def test_full_disk_raises_store_full_and_reads_go_on(small_disk: Path) -> None:
    async with open_file_store(small_disk) as store:
        await store.create("checkpoints/1", b"x" * 100_000)
        with pytest.raises(StoreFull):
            await store.create("journal/2", b"y" * 200_000)
        assert await store.get("checkpoints/1") == b"x" * 100_000
        assert await store.list_after("journal/") == []
        assert drafts(small_disk) == []
        await store.delete("checkpoints/1")
        await store.create("journal/2", b"y" * 200_000)
        assert await store.get("journal/2") == b"y" * 200_000


@pytest.fixture
def forbidden_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:  # below a folder that everybody may enter
        root = Path(name) / "data"
        (root / "journal").mkdir(parents=True)
        (root / "journal" / "1").write_bytes(b"x")
        Path(name).chmod(0o755)
        root.chmod(0o000)
        yield root
        root.chmod(0o755)


def test_directory_without_permission_raises_store_unavailable_with_the_reason(forbidden_dir: Path) -> None:
    lines = run_python(STRANGER, forbidden_dir).splitlines()
    refused = "the data directory may not be read or written (permission denied)"
    assert lines[:3] == [refused] * 3
    assert lines[3] == f"the data directory {forbidden_dir} cannot be used: permission denied"


async def test_directory_that_is_a_file_raises_store_unavailable_naming_it(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a directory")
    with pytest.raises(StoreUnavailable, match=f"{tmp_path / 'data'} cannot be used"):
        async with open_file_store(tmp_path / "data"):
            pass


async def test_folder_on_another_file_system_raises_store_unavailable(
    store: FileObjectStore, data_dir: Path
) -> None:
    with tempfile.TemporaryDirectory(dir=other_file_system(data_dir)) as elsewhere:
        (data_dir / "journal").symlink_to(elsewhere)
        with pytest.raises(StoreUnavailable, match="hard links"):
            await store.create("journal/1", b"x")


def other_file_system(path: Path) -> Path:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == path.stat().st_dev:
        pytest.skip("there is no second file system here")
    return other


async def test_directory_that_is_gone_is_neither_empty_nor_made_again(
    store: FileObjectStore, data_dir: Path
) -> None:
    await store.create("journal/1", b"x")
    elsewhere = data_dir.with_name("elsewhere")
    await asyncio.to_thread(data_dir.rename, elsewhere)
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await store.get("journal/2")
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await store.list_after("journal/")
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await store.create("journal/2", b"y")
    await asyncio.to_thread(elsewhere.rename, data_dir)
    assert await store.get("journal/1") == b"x"


async def test_opening_removes_forgotten_drafts_and_keeps_fresh_ones(data_dir: Path) -> None:
    folder = data_dir / DRAFTS
    folder.mkdir(parents=True)
    old, fresh = folder / "1-old", folder / "2-fresh"
    for draft in (old, fresh):
        draft.write_bytes(b"x")
    long_ago = time.time() - STALE_DRAFT_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    async with open_file_store(data_dir):
        assert drafts(data_dir) == ["2-fresh"]


async def test_objects_get_the_permissions_of_ordinary_files(store: FileObjectStore, data_dir: Path) -> None:
    ordinary = data_dir / "ordinary"
    ordinary.touch()
    await store.create("journal/1", b"x")
    assert (data_dir / "journal" / "1").stat().st_mode == ordinary.stat().st_mode


def drafts(root: Path) -> list[str]:
    return sorted(entry.name for entry in (root / DRAFTS).iterdir())


async def test_disk_that_hangs_stops_nothing_else_in_the_process(
    store: FileObjectStore, data_dir: Path
) -> None:
    (data_dir / "journal").mkdir()
    os.mkfifo(data_dir / "journal" / "1")  # reading it waits for a writer
    hanging = [asyncio.create_task(store.get("journal/1")) for _ in range(100)]
    await asyncio.sleep(0.1)
    try:
        async with asyncio.timeout(20):
            assert await asyncio.to_thread(lambda: "done") == "done"
        assert not any(task.done() for task in hanging)
    finally:
        feeder = os.open(data_dir / "journal" / "1", os.O_RDWR)
        (data_dir / "journal" / "1").unlink()
        await asyncio.sleep(0.1)  # all that wait have opened it
        os.close(feeder)
        await asyncio.gather(*hanging, return_exceptions=True)


async def test_computations_of_the_process_hold_up_no_call(store: FileObjectStore) -> None:
    ended = threading.Event()
    computing = [asyncio.create_task(asyncio.to_thread(ended.wait)) for _ in range(100)]
    await asyncio.sleep(0.1)
    try:
        async with asyncio.timeout(20):
            await store.create("journal/1", b"x")
    finally:
        ended.set()
        await asyncio.gather(*computing)
