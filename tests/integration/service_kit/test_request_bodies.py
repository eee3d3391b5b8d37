"""Bodies that are too large, too slow, cut off, packed or no JSON at all, over a real connection."""

import asyncio
import gzip
import io
import threading
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from pydantic import BaseModel, field_validator

from service_kit.json_body import read_body, read_json
from service_kit.parameters import parse_body
from service_kit.settings import HttpSettings
from service_kit.telemetry import Telemetry
from service_kit.web import create_application
from support.serving import Client, serving

JSON = {"Content-Type": "application/json"}
LIMIT_BYTES = 1024 * 1024
TIMEOUT_SECONDS = 0.5
PATIENT_SECONDS = 20.0
hasty = pytest.mark.parametrize("client", [TIMEOUT_SECONDS], indirect=True, ids=["hasty"])


VALIDATING: set[threading.Thread] = set()
"""The threads in which bodies were validated."""


class Item(BaseModel):
    name: str
    size: int = 0


class Items(BaseModel):
    items: list[Item]

    @field_validator("items")
    @classmethod
    def note_thread(cls, items: list[Item]) -> list[Item]:
        VALIDATING.add(threading.current_thread())
        return items


async def echo(request: web.Request) -> web.Response:
    value = await read_json(request)
    return web.json_response({"value": value})


async def add_item(request: web.Request) -> web.Response:
    return web.json_response((await parse_body(Items, request)).model_dump())


async def twice(request: web.Request) -> web.Response:
    await read_json(request)
    return web.Response(body=await read_body(request))


@pytest.fixture
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """Yield a client of a server that is patient, or waits for a body as long as the parameter says."""
    settings = HttpSettings(body_timeout_seconds=getattr(request, "param", PATIENT_SECONDS))
    application = create_application(settings, Telemetry("test"))
    application.router.add_post("/echo", echo)
    application.router.add_post("/items", add_item)
    application.router.add_post("/twice", twice)
    async with serving(application) as client:
        yield client


async def test_json_is_read(client: Client) -> None:
    answer = await client.ask("/echo", "POST", json={"a": ["\u00e4", 1, None]})
    assert answer.json == {"value": {"a": ["\u00e4", 1, None]}}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/problem+json",
        "application/vnd.x.v1+json",
    ],
)
async def test_kinds_of_json_are_accepted(client: Client, content_type: str) -> None:
    answer = await client.ask("/echo", "POST", data=b"[]", headers={"Content-Type": content_type})
    assert (answer.status, answer.json) == (200, {"value": []})


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/json",
        "application/jsonx",
        "",
    ],
)
async def test_other_content_types_are_refused_at_the_body(client: Client, content_type: str) -> None:
    answer = await client.ask("/echo", "POST", data=b'{"a": 1}', headers={"Content-Type": content_type})
    assert answer.status == 422
    assert [problem["loc"] for problem in answer.json["detail"]] == [["body"]]


@pytest.mark.parametrize("headers", [JSON, {}, {"Content-Type": "text/plain"}])
async def test_missing_body_is_refused_at_the_body(client: Client, headers: dict[str, str]) -> None:
    answer = await client.ask("/echo", "POST", headers=headers)
    assert answer.status == 422
    assert [(problem["type"], problem["loc"]) for problem in answer.json["detail"]] == [("missing", ["body"])]


async def test_broken_json_is_refused_with_its_place(client: Client) -> None:
    answer = await client.ask("/echo", "POST", data=b"{not json", headers=JSON)
    assert (answer.status, answer.json["detail"][0]["type"]) == (422, "json_invalid")
    assert answer.json["detail"][0]["loc"] == ["body", 1]


@pytest.mark.parametrize("depth", [65, 1000, 100_000])
async def test_deep_body_is_a_422(client: Client, depth: int) -> None:
    answer = await client.ask("/echo", "POST", data=b"[" * depth + b"]" * depth, headers=JSON)
    assert (answer.status, answer.json["detail"][0]["type"]) == (422, "too_deep")


async def test_announced_body_of_10_megabytes_is_a_413(client: Client) -> None:
    answer = await client.ask("/echo", "POST", data=io.BytesIO(b"1" * 10_000_000), headers=JSON)
    assert (answer.status, answer.json) == (413, {"detail": "the request body is too large"})


async def test_chunked_body_of_10_megabytes_is_a_413(client: Client) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 100_000

    answer = await client.ask("/echo", "POST", data=pieces(), headers=JSON)
    assert (answer.status, answer.json) == (413, {"detail": "the request body is too large"})


async def test_body_of_exactly_the_limit_is_read(client: Client) -> None:
    data = b'"' + b"x" * (LIMIT_BYTES - 2) + b'"'
    assert (await client.ask("/echo", "POST", data=data, headers=JSON)).status == 200


async def test_small_package_that_unpacks_to_100_megabytes_is_a_413(client: Client) -> None:
    data = gzip.compress(b"0" * 100_000_000)
    assert len(data) < LIMIT_BYTES
    answer = await client.ask("/echo", "POST", data=data, headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status == 413


async def test_packed_body_is_read(client: Client) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    answer = await client.ask("/echo", "POST", data=gzip.compress(b"[1]"), headers=headers)
    assert answer.json == {"value": [1]}


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_body_that_is_not_packed_as_it_says_is_a_400(client: Client, encoding: str) -> None:
    answer = await client.ask("/echo", "POST", data=b"[1]", headers={**JSON, "Content-Encoding": encoding})
    assert answer.status == 400
    assert isinstance(answer.json["detail"], str)


def request_of(*lines: str, body: bytes = b"") -> bytes:
    head = ["POST /echo HTTP/1.1", "Host: x", "Content-Type: application/json", *lines, "", ""]
    return "\r\n".join(head).encode() + body


@hasty
async def test_body_that_stays_away_is_a_408_that_closes_the_connection(client: Client) -> None:
    started = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(request_of("Content-Length: 100", body=b"["))
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"Connection: close" in head
    assert b"Access-Control-Allow-Origin: *" in head
    assert time.monotonic() - started < PATIENT_SECONDS / 2
    writer.close()


@hasty
async def test_body_that_drips_is_a_408(client: Client) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(request_of("Content-Length: 1000"))
    reading = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
    for _ in range(400):
        if reading.done():
            break
        writer.write(b"1")
        await asyncio.sleep(0.05)
    assert (await reading).startswith(b"HTTP/1.1 408 ")
    writer.close()


@pytest.mark.parametrize(
    "request_bytes",
    [
        request_of("Transfer-Encoding: chunked", body=b"zz\r\n[]\r\n0\r\n\r\n"),
        request_of("Transfer-Encoding: chunked", body=b"-1\r\n[]\r\n0\r\n\r\n"),
        request_of("Transfer-Encoding: chunked", "Content-Length: 2", body=b"2\r\n[]\r\n0\r\n\r\n"),
        request_of("Content-Length: 2", "Content-Length: 3", body=b"[]"),
        request_of("Content-Length: -2", body=b"[]"),
        request_of("Content-Length: 99999999999999999999999", body=b"[]"),
        request_of("Transfer-Encoding: gzip, chunked, chunked", body=b"2\r\n[]\r\n0\r\n\r\n"),
    ],
)
async def test_body_with_a_lying_length_is_refused_in_json(client: Client, request_bytes: bytes) -> None:
    answer = await client.send(request_bytes)
    assert answer.split()[1] in {b"400", b"413"}
    assert b'{"detail":"' in answer
    assert b"Access-Control-Allow-Origin: *" in answer


async def test_client_that_hangs_up_in_the_middle_is_no_fault_of_ours(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(request_of("Content-Length: 100", body=b"["))
    await asyncio.sleep(0.05)
    writer.transport.abort()
    await asyncio.sleep(0.05)
    assert (await client.ask("/echo", "POST", json=[])).status == 200
    assert [record for record in caplog.records if record.levelname in {"ERROR", "WARNING"}] == []


async def test_body_is_there_for_a_second_look(client: Client) -> None:
    assert (await client.ask("/twice", "POST", data=b"[1]", headers=JSON)).body == b"[1]"


async def test_model_is_validated_with_the_places_below_the_body(client: Client) -> None:
    answer = await client.ask("/items", "POST", json={"items": [{"name": "a"}, {"size": "x"}]})
    assert [problem["loc"] for problem in answer.json["detail"]] == [
        ["body", "items", 1, "name"],
        ["body", "items", 1, "size"],
    ]


async def test_answer_to_a_large_wrong_body_stays_small(client: Client) -> None:
    wrong = {"items": [{"description": "x" * 2000} for _ in range(400)]}
    answer = await client.ask("/items", "POST", json=wrong)
    assert answer.status == 422
    assert len(answer.json["detail"]) == 100
    wide = {"name" * 10: "x" * 500_000}
    answer = await client.ask("/items", "POST", json=wide)
    assert (answer.json["detail"][0]["loc"], len(answer.body) < 1000) == (["body", "items"], True)


async def test_large_bodies_do_not_keep_others_waiting(client: Client) -> None:
    data = b'{"items":[' + b",".join([b'{"name":"x","size":1}'] * 15_000) + b"]}"
    VALIDATING.clear()
    large = [asyncio.ensure_future(client.ask("/items", "POST", data=data, headers=JSON)) for _ in range(4)]
    while not all(one.done() for one in large):
        assert (await client.ask("/echo", "POST", json=[])).status == 200
    assert {(await one).status for one in large} == {200}
    assert VALIDATING
    assert threading.main_thread() not in VALIDATING  # the event loop runs there
