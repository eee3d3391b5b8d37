"""Programs that use the library, each in a fresh interpreter with an empty cache."""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.client_precedence import preceding
from service_kit.settings import ENV_PREFIX
from support.processes import clean_environment

PROBE: Final = Path(__file__).with_name("client_probe.py")
STALL_PROBE: Final = Path(__file__).with_name("client_stall_probe.py")
NOWHERE: Final = "http://127.0.0.1:1"
FOREIGN: Final = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
"""What a user does not have: bytecode is kept, and modules are looked for where they are installed."""

RUN_SECONDS: Final = 60.0
LINE_SECONDS: Final = 60.0
END_SECONDS: Final = 15.0

Said = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Users:
    """Starts programs that follow the service at `url`.

    What they keep lies below `folder` and is removed; `settings` are given without the prefix.
    """

    url: str
    folder: Path
    settings: Mapping[str, str]

    def run(self, *words: str, probe: Path = PROBE) -> Said:
        """Run a program to its end, before all others; return what it said.

        Raises `RuntimeError` if it fails.
        """
        with self._environment() as environment:
            done = subprocess.run(
                preceding(_command(probe, words)),
                env=environment,
                capture_output=True,
                timeout=RUN_SECONDS,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)} failed: {complaint(done.stderr)}")
        said: Said = json.loads(done.stdout)
        return said

    @contextlib.asynccontextmanager
    async def running(self, *words: str) -> AsyncIterator["Talking"]:
        """Run a program that is talked with, and end it."""
        with self._environment() as environment:
            process = await asyncio.create_subprocess_exec(
                *_command(PROBE, words),
                env=environment,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                yield Talking(process)
            finally:
                await _end(process)

    @contextlib.contextmanager
    def _environment(self) -> Iterator[dict[str, str]]:
        with tempfile.TemporaryDirectory(dir=self.folder) as home:
            named = {"PRIMARY_API_URL": self.url, **self.settings}
            given = {f"{ENV_PREFIX}{name}": value for name, value in named.items()}
            others = {"AIWORKER_CACHE_HOME": home, "GITHUB_PROXY_URL_BASE": NOWHERE}
            environment = clean_environment({**given, **others})
            yield {name: value for name, value in environment.items() if name not in FOREIGN}


class Talking:
    """A program that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    async def say(self, line: str) -> None:
        """Give it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    def stop(self) -> None:
        """Tell it to end; whoever started it waits for that."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def hear(self, seconds: float | None = LINE_SECONDS) -> Said:
        """Return what it says next. Raises `RuntimeError` if it does not, within so many seconds."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        try:
            async with asyncio.timeout(seconds):
                line = await self._process.stdout.readline()
                if not line:
                    raise RuntimeError(f"a client ended: {complaint(await self._process.stderr.read())}")
        except TimeoutError:
            raise RuntimeError(f"a client said nothing for {seconds} s") from None
        said: Said = json.loads(line)
        return said


def complaint(errors: bytes) -> str:
    """Return what a program wrote before it ended; its last line, which says most, comes first."""
    text = errors.decode(errors="replace").strip()
    return f"{text.rpartition(chr(10))[2]}\n{text[-2000:]}"


def _command(probe: Path, words: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-P", str(probe), *words]


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a program by the end of its input; insist where that does not do."""
    if process.returncode is None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await process.communicate()  # closes the input, too
    if process.returncode is None:
        process.kill()
        await process.communicate()
