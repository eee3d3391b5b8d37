"""Bodies that are too large, too deep, packed bombs, or lie about what they are."""

import asyncio
import gzip
import time
import zlib

import brotli  # type: ignore[import-untyped] # it ships without types
import pytest

from support.attackers import QUEUE, V2, Attacker, head, with_body
from support.service_nodes import ServiceNode
from support.some_horde import APPROVER

BOMB_BYTES = 200_000_000
GZIP_BOMB = gzip.compress(bytes(BOMB_BYTES), mtime=0)
BROTLI_BOMB = brotli.compress(bytes(BOMB_BYTES), quality=1)
JSON_LINE = "Content-Type: application/json"
POST = ("POST", f"{V2}/clip")

HOSTILE_JSON = {
    "1000 deep": b'{"name":' + b"[" * 1000 + b"]" * 1000 + b"}",
    "100000 deep lists": b"[" * 100_000 + b"]" * 100_000,
    "100000 deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a million brackets": b"[" * 1_000_000,
    "a million quotes": b'"' * 1_000_000,
    "100000 keys": b"{" + b",".join(b'"%d":1' % n for n in range(90_000)) + b"}",
    "a million digits": b'{"size_on_disk_bytes":' + b"9" * 1_000_000 + b"}",
    "a million decimals": b'{"size_on_disk_bytes":1.' + b"9" * 1_000_000 + b"}",
    "a huge exponent": b'{"size_on_disk_bytes":1e999999999}',
    "70 bits": b'{"name":"x","size_on_disk_bytes":1180591620717411303424}',
    "NaN": b'{"name":"x","size_on_disk_bytes":NaN}',
    "Infinity": b'{"name":"x","size_on_disk_bytes":-Infinity}',
    "duplicate keys": b'{"name":"x","name":"y"}',
    "duplicate escaped keys": b'{"name":"x","n\\u0061me":"y"}',
    "lone surrogate": b'{"name":"\\ud800"}',
    "lone surrogate key": b'{"name":"x","\\udfff":1}',
    "raw surrogate": b'{"name":"\xed\xa0\x80"}',
    "not utf-8": b'{"name":"\xff"}',
    "utf-16": '{"name":"x"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"name":"x"}',
    "nul in a name": b'{"name":"a\\u0000b"}',
    "line end in a name": b'{"name":"a\\r\\nX: y"}',
    "comment": b'{"name":"x"/* y */}',
    "trailing comma": b'{"name":"x",}',
    "two values": b'{"name":"x"}{"name":"y"}',
    "single quotes": b"{'name':'x'}",
    "a list": b'[{"name":"x"}]',
    "a text": b'"x"',
    "null": b"null",
    "nothing": b"",
    "spaces": b" " * 100_000,
    "a name of a megabyte": b'{"name":"' + b"x" * 1_000_000 + b'"}',
}


def numbered(value: object) -> str | None:
    """Return a short id in place of a large body."""
    return f"{len(value)} bytes" if isinstance(value, bytes) else None


@pytest.mark.parametrize("what", HOSTILE_JSON)
async def test_hostile_json_is_refused_at_once(node: ServiceNode, attacker: Attacker, what: str) -> None:
    before, started = node.sequence(), time.monotonic()
    for path in (f"{V2}/clip", f"{V2}/text_generation", f"{QUEUE}/batches", f"{QUEUE}/purge"):
        answer = await attacker.say("POST", path, HOSTILE_JSON[what])
        assert answer.status == 422, answer.body[:300]
        assert {problem["loc"][0] for problem in answer.json["detail"]} == {"body"}
        assert len(answer.body) < 30_000
    assert time.monotonic() - started < 20
    assert node.sequence() == before


@pytest.mark.parametrize("key", [APPROVER, ""])
async def test_ten_megabytes_are_refused(attacker: Attacker, key: str) -> None:
    answer = await attacker.raw(with_body(*POST, b"1" * 10_000_000, key=key))
    assert answer.status == 413
    assert answer.body == b'{"detail":"the request body is too large"}'


async def test_ten_megabytes_in_chunks_are_refused(attacker: Attacker) -> None:
    chunk = b"186A0\r\n" + b"1" * 100_000 + b"\r\n"
    request = head(*POST, JSON_LINE, "Transfer-Encoding: chunked") + chunk * 100 + b"0\r\n\r\n"
    assert (await attacker.raw(request)).status == 413


@pytest.mark.parametrize(
    ("lines", "body", "statuses"),
    [
        (("Content-Length: 100",), b'{"name":', {408}),
        (("Content-Length: 2",), b'{"name": "x"}' * 3, {400, 422}),
        (("Transfer-Encoding: chunked",), b"ffffffffffffffff\r\n{}", {400, 408}),
        (("Transfer-Encoding: chunked",), b"f" * 100_000 + b"\r\n{}", {400}),
        (("Transfer-Encoding: chunked",), b"5\r\n{}\r\n0\r\n\r\n", {400, 408}),
        (("Transfer-Encoding: chunked",), b"2\r\n{}\r\n0\r\n" + b"X-A: b\r\n" * 100_000, {400, 422}),
        (("Transfer-Encoding: chunked",), b"2;" + b"x" * 300_000, {400, 408}),
        (("Transfer-Encoding: chunked",), b"-2\r\n{}\r\n0\r\n\r\n", {400}),
    ],
    ids=numbered,
)
async def test_a_length_that_lies_is_refused(
    node: ServiceNode, attacker: Attacker, lines: tuple[str, ...], body: bytes, statuses: set[int]
) -> None:
    before = node.sequence()
    request = head(*POST, JSON_LINE, *lines) + body
    answer = await attacker.raw(request, until=b'{"detail":', more_seconds=0.6)
    assert answer.status in statuses, answer.raw[:300]
    assert answer.answers <= 2  # what follows a complete request may be refused as one more
    assert node.sequence() == before


@pytest.mark.parametrize(
    ("packing", "body", "status"),
    [
        ("gzip", GZIP_BOMB, 413),
        ("x-gzip", GZIP_BOMB, 413),
        ("deflate", zlib.compress(bytes(BOMB_BYTES)), 413),
        ("br", BROTLI_BOMB, 415),
        ("zstd", GZIP_BOMB, 415),
        ("gzip, gzip", gzip.compress(GZIP_BOMB, mtime=0), 415),
        ("nonsense", b"{}", 415),
        ("gzip", GZIP_BOMB[:1000], 400),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-1], 400),
        ("gzip", gzip.compress(b"{}", mtime=0) * 2, 400),
        ("gzip", b'{"name":"x"}', 400),
    ],
    ids=numbered,
)
async def test_a_packed_bomb_does_not_go_off(
    node: ServiceNode, attacker: Attacker, packing: str, body: bytes, status: int
) -> None:
    before = node.peak_memory_bytes()
    answer = await attacker.raw(with_body(*POST, body, f"Content-Encoding: {packing}"))
    assert answer.status == status, answer.raw[:300]
    assert node.peak_memory_bytes() - before < BOMB_BYTES / 4


@pytest.mark.parametrize(("packing", "bomb"), [("gzip", GZIP_BOMB), ("br", BROTLI_BOMB)], ids=numbered)
@pytest.mark.parametrize("key", [APPROVER, "", "key-unknown"])
async def test_others_are_served_while_bombs_fall(
    node: ServiceNode, attacker: Attacker, packing: str, bomb: bytes, key: str
) -> None:
    before = node.peak_memory_bytes()
    request = with_body(*POST, bomb, f"Content-Encoding: {packing}", key=key)
    bombs = [asyncio.create_task(attacker.raw(request)) for _ in range(20)]
    for _ in range(20):
        async with asyncio.timeout(5):
            assert (await attacker.say("GET", "/api/heartbeat", key="")).status == 200
    assert {answer.status for answer in await asyncio.gather(*bombs)} <= {401, 413, 415}
    assert node.peak_memory_bytes() - before < BOMB_BYTES / 2


async def test_a_packed_body_counts_as_what_it_holds(attacker: Attacker) -> None:
    body = b'{"name": "%s"}' % attacker.name().encode()
    packed = await attacker.raw(with_body(*POST, gzip.compress(body), "Content-Encoding: gzip"))
    assert packed.status == 202
    assert (await attacker.say(*POST, body)).status == 409


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/html"],
)
async def test_what_a_form_of_another_site_can_send_is_refused(
    node: ServiceNode, attacker: Attacker, content_type: str
) -> None:
    before = node.sequence()
    answer = await attacker.say("POST", f"{V2}/clip", {"name": "x"}, headers={"Content-Type": content_type})
    assert answer.status == 422
    assert node.sequence() == before


async def test_prototype_names_are_plain_fields(attacker: Attacker) -> None:
    body = {"name": attacker.name(), "__proto__": {"nsfw": True}, "constructor": {"prototype": {"a": 1}}}
    change = await attacker.propose("clip", body)
    assert {"__proto__", "constructor", "nsfw"}.isdisjoint(change["payload"])
