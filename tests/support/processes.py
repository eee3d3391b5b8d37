"""Real service processes for end-to-end tests, spoken to over HTTP only."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp

from support.nodes import free_ports

START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 40.0
NOBODY = "http://127.0.0.1:1/api/"
CONSOLE_SCRIPT = Path(sys.executable).parent / "horde-reference"


def free_port() -> int:
    return free_ports(1)[0]


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of this process without settings of ours, and with `extra`.

    Without an AI-Horde in either nobody is asked for figures: no test may call the real one.
    """
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("HORDE_MODEL_REFERENCE_")
    }
    return {"HORDE_MODEL_REFERENCE_AI_HORDE_URL": NOBODY, **kept, **extra}


class ServiceProcess:
    """One running command of `horde-reference`; what it prints is in `output`."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.output = ""
        self._reading = asyncio.create_task(self._read())

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def root_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def wait_until(
        self, path: str, status: int, *, timeout_seconds: float = START_TIMEOUT_SECONDS
    ) -> None:
        """Wait until GET `path` (below the server's root) answers with the status."""
        last: object = None
        try:
            async with asyncio.timeout(timeout_seconds), aiohttp.ClientSession() as session:
                while True:
                    try:
                        async with session.get(self.root_url + path) as answer:
                            last = answer.status
                            if answer.status == status:
                                return
                    except aiohttp.ClientError as error:
                        last = error
                    if self.process.returncode is not None:
                        raise AssertionError(f"ended with {self.process.returncode}\n{self.output}")
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise AssertionError(f"{path}: still {last!r}, wanted {status}\n{self.output}") from error

    async def stop(self, sig: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and return the exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(sig)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
                status = await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise AssertionError(f"did not stop on {sig.name}\n{self.output}") from None
        await self._reading
        return status

    async def ended(self, *, timeout_seconds: float = START_TIMEOUT_SECONDS) -> int:
        """Wait for the process to end by itself and return its exit status."""
        async with asyncio.timeout(timeout_seconds):
            status = await self.process.wait()
        await self._reading
        return status

    async def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while chunk := await stream.read(65536):
            self.output += chunk.decode(errors="replace")


@contextlib.asynccontextmanager
async def service(
    command: str,
    settings: Mapping[str, str],
    *,
    port: int | None = None,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[ServiceProcess]:
    """Run `horde-reference COMMAND`; end it afterwards.

    `settings` are given without their prefix, `variables` are those of the environment with other names.
    """
    chosen = port or free_port()
    named = {f"HORDE_MODEL_REFERENCE_{name}": value for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        CONSOLE_SCRIPT,
        command,
        env=clean_environment({"HORDE_MODEL_REFERENCE_PORT": str(chosen), **named, **(variables or {})}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running = ServiceProcess(process, chosen)
    try:
        yield running
    finally:
        if process.returncode is None:
            with contextlib.suppress(AssertionError):
                await running.stop()


async def run_command(
    *words: str, settings: Mapping[str, str] | None = None, stdin: bytes = b""
) -> tuple[int, bytes, str]:
    """Run `horde-reference WORDS...` to its end; return status, standard output, standard error."""
    named = {f"HORDE_MODEL_REFERENCE_{name}": value for name, value in (settings or {}).items()}
    process = await asyncio.create_subprocess_exec(
        CONSOLE_SCRIPT,
        *words,
        env=clean_environment(named),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin)
    assert process.returncode is not None
    return process.returncode, out, err.decode(errors="replace")
