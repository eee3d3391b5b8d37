"""One nginx: its configuration, its process, its signals."""

import asyncio
import contextlib
import logging
import os
import re
import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from gateway.configuration import Stage
from gateway.leftovers import end_leftovers
from gateway.settings import environment_with
from gateway.status_socket import ask
from service_kit.errors import ServiceError

CHECK_SECONDS: Final = 10.0
READY_SECONDS: Final = 10.0  # it tries for 2.5 s to listen on an address that is in use
POLL_SECONDS: Final = 0.02
TERM_SECONDS: Final = 3.0
LONGEST_LINE: Final = 64 * 1024
LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
_LINE: Final = re.compile(r"(?:\S+ \S+ |nginx: )\[(?P<level>[a-z]+)\] (?:\d+#\d+: )?(?P<text>.*)", re.DOTALL)
_VERSION: Final = re.compile(r"nginx/(\d+)\.(\d+)\.(\d+)")

log = logging.getLogger(__name__)


class NginxFailed(ServiceError):
    """nginx is missing, refuses its configuration, or ends. The text holds its own words."""


def find_nginx(name: str) -> str:
    """Return the path of the program: servers lie in a folder that is not on everybody's path."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NginxFailed(f"{name} is not installed")
    return found


async def nginx_version(program: str) -> tuple[int, ...]:
    """Return the three numbers of the version. Raises `NginxFailed`."""
    status, text = await _run(program, "-v")
    found = _VERSION.search(text)
    if status or found is None:
        raise NginxFailed(f"{program} does not tell its version: {text}")
    return tuple(int(number) for number in found.groups())


class NginxProcess:
    """The nginx of one stage, in a state directory that is prepared. Only one task may use it at a time.

    `sockets` are those that it listens on in place of own ones, where its configuration has their addresses.
    """

    def __init__(
        self, stage: Stage, program: str, state_dir: Path, sockets: Callable[[], Sequence[int]] = tuple
    ) -> None:
        self.stage = stage
        self._program = program
        self._state_dir = state_dir
        self._home = state_dir / stage
        self._sockets = sockets
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._complaint = ""  # the first since it was told to do something

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The process id of the master; 0 before the first start."""
        return self._process.pid if self._process is not None else 0

    @property
    def status_socket(self) -> Path:
        """Where it answers about itself."""
        return self._state_dir / f"{self.stage}_status.sock"

    async def check(self, text: str) -> None:
        """Let nginx check a configuration, and put it in the place of the last one. Raises `NginxFailed`."""
        checked = self._state_dir / f"{self.stage}.next.conf"
        await asyncio.to_thread(checked.write_text, text, "utf-8")
        status, words = await _run(self._program, *self._arguments(checked), "-t", cwd=self._home)
        if status:
            raise NginxFailed(f"nginx refuses its configuration: {words}")
        await asyncio.to_thread(checked.replace, self._configuration)

    async def start(self, generation: int) -> None:
        """Start it with the configuration that was checked last; it is ready then. Raises `NginxFailed`."""
        await self._clear()
        self._complaint = ""
        sockets = self._sockets()
        readable, writable = os.pipe()  # of our own: the end of the process counts, not that of its workers
        try:
            self._reading = asyncio.create_task(self._read(readable))
            self._process = await asyncio.create_subprocess_exec(
                self._program,
                *self._arguments(self._configuration),
                cwd=self._home,  # by which its workers are recognised later
                stdin=asyncio.subprocess.DEVNULL,
                stderr=writable,
                pass_fds=sockets,
                # how nginx hands its own to the next version of itself
                env=environment_with(NGINX="".join(f"{one};" for one in sockets)) if sockets else None,
            )
        finally:
            os.close(writable)
        if not await self._answers(generation):
            await self.stop(0)
            raise NginxFailed(f"nginx cannot be started: {self._complaint or 'it does not answer'}")

    async def reload(self, generation: int) -> None:
        """Let it take the configuration that was checked last. Raises `NginxFailed` if it does not."""
        self._complaint = ""
        self._signal(signal.SIGHUP)
        if not await self._answers(generation):
            raise NginxFailed(f"nginx did not take its configuration: {self._complaint or 'it keeps silent'}")

    async def ended(self) -> int:
        """Wait until the process ends, and return its status."""
        return await self._process.wait() if self._process is not None else 0

    async def stop(self, drain_seconds: float) -> None:
        """Let it finish what it does for so long, then end it. Never leaves it behind."""
        try:
            for number, seconds in ((signal.SIGQUIT, drain_seconds), (signal.SIGTERM, TERM_SECONDS)):
                if seconds and self.running:
                    self._signal(number)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(seconds):
                            await self.ended()
        finally:
            self._signal(signal.SIGKILL)
            await asyncio.shield(self._clear())

    async def _clear(self) -> None:
        if self._process is not None:
            await self._process.wait()
        await asyncio.to_thread(self._remove_leftovers)
        if self._reading is not None:
            await asyncio.gather(self._reading, return_exceptions=True)

    def _remove_leftovers(self) -> None:
        """End its workers and remove its sockets: over both the next one would stumble."""
        end_leftovers(self._home)
        of_front = f"{Stage.FRONT}_status.sock"
        for path in self._state_dir.glob("*.sock"):
            if (path.name == of_front) == (self.stage is Stage.FRONT):
                path.unlink(missing_ok=True)

    @property
    def _configuration(self) -> Path:
        return self._state_dir / f"{self.stage}.conf"

    def _arguments(self, configuration: Path) -> list[str]:
        # a worker of root's nginx would be somebody else, who may not enter the state directory
        user = ["-g", "user root;"] if os.geteuid() == 0 else []
        return ["-p", str(self._home), "-e", "stderr", "-c", str(configuration), *user]

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _answers(self, generation: int) -> bool:
        """Whether it soon answers that it is the one of this generation."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                while self.running:
                    with contextlib.suppress(OSError):
                        if await ask(self.status_socket, "/generation") == str(generation).encode():
                            return True
                    await asyncio.sleep(POLL_SECONDS)
        return False

    async def _read(self, readable: int) -> None:
        """Write what nginx says into the log, where everything else is, until nobody can say more."""
        reader = asyncio.StreamReader(limit=LONGEST_LINE)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(readable, "rb", buffering=0)
        )
        try:
            while not reader.at_eof():
                with contextlib.suppress(ValueError):  # longer than the limit
                    self._tell((await reader.readline()).decode(errors="replace").rstrip())
        finally:
            transport.close()

    def _tell(self, line: str) -> None:
        found = _LINE.fullmatch(line)
        level = LEVELS.get(found["level"], logging.CRITICAL) if found else logging.WARNING
        text = found["text"] if found else line
        if level == logging.CRITICAL and not self._complaint:
            self._complaint = text
        if text:
            log.log(level, "%s", text, extra={"fields": {"stage": self.stage}})


async def _run(program: str, *words: str, cwd: Path | None = None) -> tuple[int, str]:
    """Run it to its end; return its status and what it says."""
    process = await asyncio.create_subprocess_exec(
        program,
        *words,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,  # its words; the access log is opened through its output
    )
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            _, said = await process.communicate()
    except TimeoutError:
        raise NginxFailed(f"nginx did not end within {CHECK_SECONDS:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace").strip()
