"""Several processes that write and read the same copies, and some that die while they write."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from horde_model_reference.replica.disk_cache import DiskCache
from support.programs import PATIENCE_SECONDS

WRITER = """
import json, sys, time
from pathlib import Path
from horde_model_reference.replica.disk_cache import DiskCache

base, first, step, count = Path(sys.argv[1]), *map(int, sys.argv[2:5])
cache = DiskCache(base)
print("ready", flush=True)
sys.stdin.readline()
for number in range(first, first + step * count, step):
    body = json.dumps({"revision": {"number": number, "filling": "x" * 50_000}}).encode()
    cache.write("clip", body, origin="primary", source_url="here", etag=str(number), revision=number,
                fetched_at=time.time())
"""


def a_writer(base: Path, *, first: int, step: int, count: int) -> subprocess.Popen[bytes]:
    """Start a process that writes these revisions as soon as it is told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, base, str(first), str(step), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def begin(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.flush()


def end(process: subprocess.Popen[bytes]) -> int:
    process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode


def require_whole(cache: DiskCache) -> int:
    """Read the copy and return the number of its revision; its facts are its own, or unknown."""
    found = cache.read("clip")
    assert found is not None
    number: int = found.value["revision"]["number"]
    if found.origin != "unknown":
        assert (found.revision, found.etag) == (number, str(number))
    return number


def write_first(cache: DiskCache) -> None:
    body = json.dumps({"revision": {"number": 0}}).encode()
    known: dict[str, Any] = {"origin": "primary", "source_url": "here", "etag": "0", "revision": 0}
    assert cache.write("clip", body, **known, fetched_at=time.time())


def test_two_writers_leave_the_newest_revision_and_readers_see_whole_copies(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    write_first(cache)
    writers = [a_writer(tmp_path, first=first, step=2, count=100) for first in (1, 2)]
    for writer in writers:
        begin(writer)
    seen = [require_whole(cache)]
    while any(writer.poll() is None for writer in writers):
        seen.append(require_whole(cache))
    assert [end(writer) for writer in writers] == [0, 0]
    assert seen == sorted(seen), "no reader is taken back"
    assert require_whole(cache) == 200
    found = cache.read("clip")
    assert found is not None
    assert found.revision == 200
    assert list(tmp_path.glob(".*.tmp")) == []


def test_threads_of_one_process_are_kept_apart_too(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)

    def write(first: int) -> None:
        for number in range(first, 60, 3):
            body = json.dumps({"revision": {"number": number}}).encode()
            known: dict[str, Any] = {"origin": "primary", "source_url": "here", "etag": str(number)}
            cache.write("clip", body, **known, revision=number, fetched_at=time.time())

    threads = [threading.Thread(target=write, args=(first,)) for first in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert require_whole(cache) == 59


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system ends processes in another way")
def test_a_writer_that_is_killed_leaves_a_whole_copy_and_no_lock(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    write_first(cache)
    chance = random.Random(7)
    first = 1
    for _ in range(12):
        writer = a_writer(tmp_path, first=first, step=1, count=100_000)
        begin(writer)
        threading.Event().wait(chance.uniform(0.0, 0.05))
        writer.kill()
        end(writer)
        first = require_whole(cache) + 1
    survivor = a_writer(tmp_path, first=first, step=1, count=1)
    begin(survivor)
    assert end(survivor) == 0
    assert require_whole(cache) == first
