"""`horde-reference health`: what the health check of a container says."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from support.processes import CONSOLE_SCRIPT, clean_environment, free_port

HEAVY = {"aiohttp", "pydantic", "asyncio"}
PREFIX = "HORDE_MODEL_REFERENCE_"


async def health(*words: str, **settings: str) -> tuple[int, str]:
    variables = clean_environment({f"{PREFIX}{name}": value for name, value in settings.items()})
    process = await asyncio.create_subprocess_exec(
        CONSOLE_SCRIPT, "health", *words, env=variables, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.fixture
async def service() -> AsyncIterator[TestServer]:
    """Return a service that is alive and not ready."""

    async def answer(request: web.Request) -> web.Response:
        status = {"/live": 200, "/ready": 503, "/gateway/health": 200}[request.path]
        return web.Response(status=status, text=f"this is\n{request.path}\n")

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    server = TestServer(application)
    async with server:
        yield server


async def test_living_service_is_healthy(service: TestServer) -> None:
    assert await health(PORT=str(service.port)) == (0, "healthy: /live: this is /live\n")


async def test_service_that_is_not_ready_is_told(service: TestServer) -> None:
    assert await health("--ready", PORT=str(service.port)) == (
        1,
        "not healthy: /ready: 503 this is /ready\n",
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "localhost"])
async def test_address_is_that_of_the_settings(service: TestServer, host: str) -> None:
    assert (await health(HOST=host, PORT=str(service.port)))[0] == 0


async def test_port_may_stand_in_a_file(service: TestServer, tmp_path: Path) -> None:
    (tmp_path / "port").write_text(f"{service.port}\n")
    assert (await health(PORT_FILE=str(tmp_path / "port")))[0] == 0


async def test_another_address_is_asked_as_it_is(service: TestServer) -> None:
    url = f"http://127.0.0.1:{service.port}/gateway/health"
    assert await health("--url", url, PORT="1") == (0, "healthy: /gateway/health: this is /gateway/health\n")


@pytest.mark.parametrize(
    ("words", "settings", "said"),
    [
        ((), {"PORT": "eighty"}, "HORDE_MODEL_REFERENCE_PORT is no port"),
        ((), {"PORT_FILE": "/not/there"}, "HORDE_MODEL_REFERENCE_PORT_FILE: /not/there cannot be read"),
        (("--url", "https://x"), {}, "https://x is no http:// address"),
    ],
)
async def test_what_cannot_be_asked_is_not_healthy(
    words: tuple[str, ...], settings: dict[str, str], said: str
) -> None:
    status, line = await health(*words, **settings)
    assert status == 1
    assert line.startswith(f"not healthy: {said}")


async def test_nobody_there_is_not_healthy() -> None:
    status, line = await health(PORT=str(free_port()))
    assert status == 1
    assert line.startswith("not healthy: ")


async def test_something_else_on_the_port_is_not_healthy() -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        status, line = await health(PORT=str(server.sockets[0].getsockname()[1]))
    assert status == 1
    assert line.startswith("not healthy: ")


async def test_it_starts_without_anything_heavy() -> None:
    program = (
        "import sys, standalone.cli; standalone.cli.main(['health']);"
        f" sys.exit(', '.join(sorted({HEAVY} & set(sys.modules))))"
    )
    environment = clean_environment({f"{PREFIX}PORT": str(free_port())})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert said.strip() == b""
