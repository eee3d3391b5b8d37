"""One process of the stack: started, killed, frozen and started again under the same name and port."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

POLL_SECONDS = 0.05
START_SECONDS = 60.0
STOP_SECONDS = 30.0
KILL_SECONDS = 20.0
ANSWER_SECONDS = 5.0
TAIL_BYTES = 4000


class StackFailed(RuntimeError):
    """The stack, or a part of it, cannot run. The text is for whoever started it."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a process is started: `health_path` answers 200 once it is ready, on `port`.

    `orphan_signal` ends it when whoever started it dies without a word.
    """

    name: str
    kind: str
    port: int
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    health_path: str = "/ready"
    orphan_signal: str = "KILL"
    before_start: Callable[[], None] = field(default=lambda: None)


class Child:
    """A process of its own group that is watched: an end nobody asked for is told to `on_death`."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.on_death: Callable[[Child, int], Awaitable[None]] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._expected_end = True

    @property
    def name(self) -> str:
        return self.recipe.name

    @property
    def kind(self) -> str:
        return self.recipe.kind

    @property
    def port(self) -> int:
        return self.recipe.port

    @property
    def url(self) -> str:
        """The root of the server; the API is below `/api`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def launch(self) -> None:
        """Start the process without waiting for anything."""
        assert not self.alive, f"{self.name} is running"
        recipe = self.recipe
        recipe.before_start()
        guard = ["setpriv", "--pdeathsig", recipe.orphan_signal] if shutil.which("setpriv") else []
        with recipe.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *guard,
                *recipe.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(recipe.environment),
                start_new_session=True,
            )
        self._expected_end = False
        self._watch = asyncio.create_task(self._report_end(self._process))

    async def start(self, *, timeout_seconds: float = START_SECONDS) -> None:
        """Start the process and wait until it is ready. Raises `StackFailed`."""
        await self.launch()
        await self.wait_ready(timeout_seconds=timeout_seconds)

    async def wait_ready(self, *, timeout_seconds: float = START_SECONDS) -> None:
        """Wait until the health path answers 200. Raises `StackFailed`."""
        last: object = None
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            async with asyncio.timeout(timeout_seconds), aiohttp.ClientSession(timeout=timeout) as session:
                while self.alive:
                    last = await _ask(session, self.url + self.recipe.health_path)
                    if last == 200:
                        return
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise StackFailed(f"{self.name} is not ready: {last}\n{self.tail()}") from None
        raise StackFailed(f"{self.name} ended while it started\n{self.tail()}")

    async def kill(self) -> None:
        """End the process and its whole group at once (SIGKILL)."""
        self._expected_end = True
        self.send(signal.SIGKILL, group=True)
        await self._ended(KILL_SECONDS)

    async def stop(self) -> int:
        """Ask the process to end (SIGTERM), insist when it does not, and return its exit status."""
        self._expected_end = True
        self.thaw()
        self.send(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            await self._ended(STOP_SECONDS)
        await self.kill()  # whatever is left of the group
        return self._process.returncode or 0 if self._process is not None else 0

    async def restart(self) -> None:
        """Kill what runs, and start anew; ready when this returns."""
        await self.kill()
        await self.start()

    def freeze(self) -> None:
        """Stop the process in its tracks: connections stay open, nothing answers."""
        self.send(signal.SIGSTOP, group=True)

    def thaw(self) -> None:
        """Let it go on."""
        self.send(signal.SIGCONT, group=True)

    def send(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to the process, or to its whole group."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(self._process.pid, number)
            elif self.alive:
                self._process.send_signal(number)

    def tail(self) -> str:
        """Return the end of what the process has written."""
        try:
            return self.recipe.log.read_bytes()[-TAIL_BYTES:].decode(errors="replace")
        except OSError:
            return ""

    async def _ended(self, timeout_seconds: float) -> None:
        if self._process is not None:
            async with asyncio.timeout(timeout_seconds):
                await self._process.wait()

    async def _report_end(self, process: asyncio.subprocess.Process) -> None:
        status = await process.wait()
        if not self._expected_end and self.on_death is not None:
            await self.on_death(self, status)


async def _ask(session: aiohttp.ClientSession, url: str) -> object:
    try:
        async with session.get(url) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"{type(error).__name__}: {error}"
