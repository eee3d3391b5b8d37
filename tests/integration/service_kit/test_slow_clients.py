"""Connections that send slowly, or do not take their answer, end; the others do not notice."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from service_kit.settings import HttpSettings
from service_kit.telemetry import Telemetry
from service_kit.web import create_application
from support.event_listeners import eventually
from support.serving import Client, serving

HEAD_SECONDS = 0.4
STALLED_SECONDS = 0.4
GET = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE_BYTES = 32 * 1024 * 1024
PATIENT_SECONDS = 20.0
AT_LIMIT_SECONDS = 10.0  # what is closed so soon was closed by the short limit
PATIENT = {"head_timeout_seconds": PATIENT_SECONDS, "stalled_answer_seconds": PATIENT_SECONDS}
HASTY = {"head_timeout_seconds": HEAD_SECONDS, "stalled_answer_seconds": STALLED_SECONDS}
hasty = pytest.mark.parametrize("setting", [HASTY], indirect=True, ids=["hasty"])


class Setting:
    def __init__(self, client: Client, telemetry: Telemetry) -> None:
        self.client = client
        self.telemetry = telemetry

    def closed(self, reason: str) -> bool:
        return f'slow_connections_closed_total{{reason="{reason}"}} 1.0' in self.telemetry.render().decode()


@pytest.fixture
async def setting(request: pytest.FixtureRequest) -> AsyncIterator[Setting]:
    """Yield a server with patient limits, or those of the parameter."""
    telemetry = Telemetry("test")
    settings = HttpSettings.model_validate(getattr(request, "param", PATIENT))
    application = create_application(settings, telemetry)

    async def quick(_: web.Request) -> web.Response:
        return web.Response(text="quick")

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(3 * HEAD_SECONDS)
        return web.Response(text="slow")

    async def large(_: web.Request) -> web.Response:
        return web.Response(body=bytes(LARGE_BYTES))

    async def take(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    application.add_routes(
        [web.get("/quick", quick), web.get("/slow", slow), web.get("/large", large), web.post("/take", take)]
    )
    async with serving(application) as client:
        yield Setting(client, telemetry)


async def seconds_until_closed(reader: asyncio.StreamReader) -> float:
    started = time.monotonic()
    async with asyncio.timeout(30):
        while await reader.read(65536):
            pass
    return time.monotonic() - started


async def connect(setting: Setting) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", setting.client.port)


async def answered(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(30):
        head = await reader.readuntil(b"\r\n\r\n")
        return head + await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))


@hasty
@pytest.mark.parametrize("sent", [b"", b"G", b"GET /quick HTTP/1.1\r\n", GET[:-2]])
async def test_head_that_does_not_end_is_given_up(setting: Setting, sent: bytes) -> None:
    reader, writer = await connect(setting)
    writer.write(sent)
    assert HEAD_SECONDS / 2 < await seconds_until_closed(reader) < AT_LIMIT_SECONDS
    assert setting.closed("head")
    writer.close()


@hasty
async def test_head_that_drips_is_given_up(setting: Setting) -> None:
    reader, writer = await connect(setting)
    closing = asyncio.ensure_future(seconds_until_closed(reader))
    writer.write(b"GET /quick HTTP/1.1\r\n")
    for _ in range(400):
        if closing.done():
            break
        writer.write(b"X-A: b\r\n")
        await asyncio.sleep(0.05)
    assert await closing < AT_LIMIT_SECONDS
    writer.close()


async def test_head_in_pieces_that_ends_in_time_is_answered(setting: Setting) -> None:
    reader, writer = await connect(setting)
    for piece in (GET[:5], GET[5:20], GET[20:]):
        writer.write(piece)
        await asyncio.sleep(0.05)
    assert (await answered(reader)).endswith(b"quick")
    writer.close()


@hasty
async def test_idle_connection_is_kept_between_requests(setting: Setting) -> None:
    reader, writer = await connect(setting)
    for _ in range(2):
        writer.write(GET)
        assert (await answered(reader)).endswith(b"quick")
        await asyncio.sleep(2 * HEAD_SECONDS)
    writer.write(GET)
    assert (await answered(reader)).endswith(b"quick")
    writer.close()


@hasty
async def test_second_head_that_does_not_end_is_given_up_too(setting: Setting) -> None:
    reader, writer = await connect(setting)
    writer.write(GET)
    await answered(reader)
    writer.write(GET[:10])
    assert await seconds_until_closed(reader) < AT_LIMIT_SECONDS
    assert setting.closed("head")
    writer.close()


@hasty
async def test_slow_answer_and_slow_body_are_not_taken_for_a_slow_head(setting: Setting) -> None:
    reader, writer = await connect(setting)
    writer.write(GET.replace(b"quick", b"slow"))
    assert (await answered(reader)).endswith(b"slow")
    writer.write(b"POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n")
    for _ in range(8):
        await asyncio.sleep(HEAD_SECONDS / 4)
        writer.write(b"x")
    assert (await answered(reader)).endswith(b"8")
    writer.close()


async def test_many_slow_heads_do_not_keep_others_from_being_answered(setting: Setting) -> None:
    slow = [await connect(setting) for _ in range(200)]
    for _, writer in slow:
        writer.write(GET[:10])
    async with asyncio.timeout(PATIENT_SECONDS / 2):
        assert (await setting.client.ask("/quick")).body == b"quick"
    for _, writer in slow:
        writer.close()


@hasty
async def test_many_slow_heads_are_all_given_up(setting: Setting) -> None:
    slow = [await connect(setting) for _ in range(200)]
    for _, writer in slow:
        writer.write(GET[:10])
    await asyncio.gather(*(seconds_until_closed(reader) for reader, _ in slow))
    for _, writer in slow:
        writer.close()


@hasty
async def test_client_that_does_not_take_its_answer_is_cut_off(setting: Setting) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", setting.client.port, limit=1024)
    writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    await eventually(lambda: setting.closed("answer"))
    received = 0
    try:
        while piece := await reader.read(65536):
            received += len(piece)
    except ConnectionError:
        pass
    assert received < LARGE_BYTES
    writer.close()


@pytest.mark.parametrize("setting", [{"stalled_answer_seconds": 1.2}], indirect=True, ids=["hasty"])
async def test_client_that_takes_its_answer_slowly_gets_all_of_it(setting: Setting) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", setting.client.port, limit=64 * 1024)
    writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    received = pauses = 0
    while piece := await reader.read(1024 * 1024):
        received += len(piece)
        if received > (pauses + 1) * LARGE_BYTES / 30:
            pauses += 1
            await asyncio.sleep(0.05)
    assert received > LARGE_BYTES
    writer.close()


async def test_failure_outside_of_the_application_is_a_500_that_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def stamp(request: web.BaseRequest, response: web.StreamResponse) -> None:
        if request.path == "/fails" and response.status != 500:
            raise KeyError("a secret of the code")

    async def fails(_: web.Request) -> web.Response:
        return web.Response()

    application = create_application(HttpSettings(), Telemetry("test"), on_response=stamp)
    application.router.add_get("/fails", fails)
    async with serving(application) as client:
        answer = await client.ask("/fails")
    assert (answer.status, answer.json) == (500, {"detail": "internal error"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert [record.message for record in caplog.records] == ["unhandled outside of the application"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"G\x00T / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /quick HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET /quick HTTP/1.1\r\nApi Key: s3cr3t-k3y\r\n\r\n",
        b"GET /quick HTTP/1.1\r\napikey: s3cr3t-k3y\x00\r\n\r\n",
        b"GET /quick?" + b"x" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /quick HTTP/1.1\r\nHost: x\r\napikey: s3cr3t-k3y" + b"x" * 200_000 + b"\r\n\r\n",
        b"GET /quick HTTP/1.1\r\n" + b"X-A: b\r\n" * 5000 + b"\r\n",
        b"QUICK\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_answered_in_the_one_shape_and_not_repeated(
    setting: Setting, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        answer = await setting.client.send(request_bytes)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 400 ")  # which ends the connection
    for line in (
        b"Content-Type: application/json",
        b"Access-Control-Allow-Origin: *",
        b"Server: horde-model-reference",
        b"X-Request-ID: ",
    ):
        assert line in head
    assert body == b'{"detail":"the request is not valid HTTP, or a line of its head is too long"}'
    assert "s3cr3t" not in caplog.text
    assert (await setting.client.ask("/quick")).status == 200
