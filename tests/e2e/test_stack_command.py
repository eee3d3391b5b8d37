"""`make stack`: what it says, what it ends with, and that nothing is left behind."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from stack.child import StackFailed
from stack.neighbours import require_programs
from support.nodes import free_ports
from support.processes import clean_environment
from support.reference_data import REPOSITORY
from support.servers import missing
from support.sources import SAMPLE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

START_SECONDS = 60.0
GONE_SECONDS = 30.0


class RunningCommand:
    """`python -m stack` and what it has written."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.output = ""

    async def read_until(self, text: str) -> str:
        """Read until the text was written. Fails when the output ends before."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            while text not in self.output:
                line = await self.process.stdout.readline()
                assert line, self.output
                self.output += line.decode()
        return self.output

    def description(self) -> dict[str, Any]:
        """Return the JSON that the command wrote for programs."""
        found = re.search(r"description +(\S+)", self.output)
        assert found is not None
        description: dict[str, Any] = json.loads(Path(found[1]).read_text())
        return description


@contextlib.asynccontextmanager
async def stack_command(*words: str, **variables: str) -> AsyncIterator[RunningCommand]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "stack",
        *words,
        env=clean_environment({"PYTHONPATH": str(REPOSITORY / "tests"), **variables}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield RunningCommand(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def require_stack() -> None:
    try:
        require_programs()
    except StackFailed as error:
        missing(str(error))


async def all_gone(folder: str) -> bool:
    """Whether no process runs any more that has to do with the stack's folder."""
    end = time.monotonic() + GONE_SECONDS
    while time.monotonic() < end:
        if not processes_of(folder):
            return True
        await asyncio.sleep(0.1)
    return False


def exists(path: str) -> bool:
    return Path(path).exists()


def processes_of(folder: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
            if folder.encode() in words and int(path.name) != os.getpid():
                found.append(words.decode(errors="replace"))
    return found


async def test_stack_says_where_everything_is_and_leaves_nothing_behind() -> None:
    require_stack()
    port = free_ports(1)[0]
    words = ("--write", "1", "--read", "1", "--stats", "2", "--sync", "1", "--port", str(port))
    variables = {
        "HORDE_MODEL_REFERENCE_SEED_DIR": str(SAMPLE),
        "AI_HORDE_URL": "http://127.0.0.1:1/api/",
        "HORDE_GITHUB_SYNC_GITHUB_API_URL": "http://127.0.0.1:1",
    }
    async with stack_command(*words, **variables) as command:
        output = await command.read_until("Ctrl-C")
        description = command.description()
        assert description["base_url"] == f"http://127.0.0.1:{port}/api"
        names = {process["name"] for process in description["processes"]}
        services = {"write-queue-1", "read-api-1", "stats-1", "stats-2", "sync-worker-1"}
        assert names == {*services, "gateway", "rabbit", "redis", "s3"}
        for process in description["processes"]:
            assert re.search(rf"{process['name']} +{process['pid']} +{process['port']}", output)

        victim = next(one for one in description["processes"] if one["name"] == "read-api-1")
        os.kill(victim["pid"], signal.SIGKILL)
        await command.read_until("read-api-1 (pid")

        command.process.send_signal(signal.SIGTERM)
        assert await command.process.wait() == 0
        assert await all_gone(description["folder"])
        assert not exists(description["folder"])


async def test_death_of_the_stack_itself_ends_every_process() -> None:
    require_stack()
    words = ("--write", "0", "--read", "1", "--stats", "0", "--port", str(free_ports(1)[0]))
    async with stack_command(*words, HORDE_MODEL_REFERENCE_SEED_DIR=str(SAMPLE)) as command:
        await command.read_until("Ctrl-C")
        folder = command.description()["folder"]
        assert processes_of(folder)
        command.process.kill()
        await command.process.wait()
        try:
            assert await all_gone(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # nobody else could


@pytest.mark.parametrize("words", [("--read", "0"), ("--stats", "-1"), ("--sync", "-1")])
async def test_numbers_that_make_no_stack_are_refused_in_words(words: tuple[str, ...]) -> None:
    async with stack_command(*words) as command:
        out, _ = await command.process.communicate()
        assert command.process.returncode == 2
        assert "at least one read-api is needed" in out.decode()


async def test_missing_programs_are_named_with_where_to_get_them() -> None:
    async with stack_command(PATH="/nonexistent") as command:
        out, _ = await command.process.communicate()
        assert command.process.returncode == 1
        assert "setpriv (apt-get install util-linux)" in out.decode()
