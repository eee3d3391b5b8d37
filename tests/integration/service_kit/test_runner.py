"""Real processes: they drain on a signal, are forced by a second one, and say why they cannot start."""

import asyncio
import contextlib
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from support import slow_service
from support.processes import clean_environment

PATIENCE_SECONDS = 60


class Running:
    """A slow service: what it prints line by line, and a client for it."""

    def __init__(self, process: asyncio.subprocess.Process, session: aiohttp.ClientSession) -> None:
        self.process = process
        self.session = session
        self.address = ""

    async def wait_for(self, text: str) -> str:
        """Return the next line that contains the text."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            while line := await self.process.stderr.readline():
                if text in line.decode():
                    return line.decode().strip()
        raise AssertionError(f"ended before it said {text!r}")

    async def wait_until_listening(self) -> None:
        self.address = (await self.wait_for("at http")).removeprefix("at ")

    async def ask(self) -> tuple[int, str, str | None]:
        async with self.session.get(f"{self.address}/slow") as answer:
            return answer.status, await answer.text(), answer.headers.get("Connection")

    async def status(self) -> int:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def slow(**settings: object) -> AsyncIterator[Running]:
    named = {f"HORDE_MODEL_REFERENCE_{name.upper()}": str(value) for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        slow_service.__file__,
        env=clean_environment({"HORDE_MODEL_REFERENCE_PORT": "0", **named}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with aiohttp.ClientSession() as session:
            yield Running(process, session)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_idle_service_ends_in_order_on_a_signal(number: signal.Signals) -> None:
    async with slow() as running:
        await running.wait_until_listening()
        running.process.send_signal(number)
        await running.wait_for("closed")
        assert await running.status() == 0


async def test_request_in_progress_is_answered_while_new_connections_are_refused() -> None:
    async with slow(answer_seconds=2.0) as running:
        await running.wait_until_listening()
        asking = asyncio.ensure_future(running.ask())
        await running.wait_for("asked")
        running.process.send_signal(signal.SIGTERM)
        await running.wait_for("stopping")
        await asyncio.sleep(0.2)
        async with aiohttp.ClientSession() as other:
            with pytest.raises(aiohttp.ClientConnectorError):
                await other.get(f"{running.address}/live")
        assert await asking == (200, "done", "close")
        assert await running.status() == 0


async def test_request_sent_while_the_stop_begins_is_answered_and_its_connection_closed() -> None:
    async with slow() as running:
        await running.wait_until_listening()
        assert await running.ask() == (200, "done", None)
        running.process.send_signal(signal.SIGTERM)
        await running.wait_for("stopping")
        assert await running.ask() == (200, "done", "close")  # on the connection of before
        assert await running.status() == 0


async def test_connection_that_says_nothing_does_not_hold_up_the_stop() -> None:
    async with slow(drain_seconds=100) as running:
        await running.wait_until_listening()
        await running.ask()
        running.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(40):
            assert await running.status() == 0


async def test_last_access_log_lines_are_written_before_the_end() -> None:
    async with slow(answer_seconds=0.2) as running:
        await running.wait_until_listening()
        asking = asyncio.ensure_future(running.ask())
        await running.wait_for("asked")
        running.process.send_signal(signal.SIGTERM)
        await asking
        assert await running.status() == 0
        assert running.process.stdout is not None
        line = json.loads(await running.process.stdout.readline())
        assert (line["path"], line["status"]) == ("/slow", 200)


async def test_request_that_takes_too_long_is_cut_off_and_the_service_ends() -> None:
    async with slow(answer_seconds=60, drain_seconds=0.4) as running:
        await running.wait_until_listening()
        asking = asyncio.ensure_future(running.ask())
        await running.wait_for("asked")
        running.process.send_signal(signal.SIGTERM)
        with pytest.raises(aiohttp.ClientError):
            await asking
        await running.wait_for("closed")
        assert await running.status() == 0


async def test_second_signal_ends_the_drain_at_once() -> None:
    async with slow(answer_seconds=60, drain_seconds=60) as running:
        await running.wait_until_listening()
        asking = asyncio.ensure_future(running.ask())
        await running.wait_for("asked")
        running.process.send_signal(signal.SIGTERM)
        await running.wait_for("stopping")
        running.process.send_signal(signal.SIGTERM)
        assert await running.status() == 128 + signal.SIGTERM
        await asyncio.gather(asking, return_exceptions=True)


async def test_signal_during_the_start_ends_it() -> None:
    async with slow(start_seconds=60) as running:
        await running.wait_for("starting")
        running.process.send_signal(signal.SIGTERM)
        assert await running.status() == 0


async def test_taken_port_is_told_at_once_with_the_variable_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with slow(port=port, start_seconds=60) as running:
            line = await running.wait_for("cannot listen")
            assert await running.status() == 2
    assert f"127.0.0.1 port {port}: address already in use" in line
    assert "HORDE_MODEL_REFERENCE_PORT" in line


async def test_address_of_another_machine_is_told_with_the_variable_to_change() -> None:
    async with slow(host="203.0.113.1") as running:
        line = await running.wait_for("cannot listen")
        assert await running.status() == 2
    assert "HORDE_MODEL_REFERENCE_HOST" in line


async def test_unusable_setting_stops_the_start_and_names_its_variable() -> None:
    async with slow(port="eighty") as running:
        await running.wait_for("HORDE_MODEL_REFERENCE_PORT: Input should be a valid integer")
        assert await running.status() == 2
