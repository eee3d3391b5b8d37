"""A key leaves the product for the AI-Horde only: it is in no log, answer, file or cache."""

import asyncio
import re
from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

import aiohttp
import pytest
import redis

from support.attackers import QUEUE, V2, Attacker, head
from support.hostile_horde import OTHER_APPROVER, USERS
from support.server_nodes import RedisServerNode
from support.servers import private_redis, started
from support.service_nodes import ServiceNode, running_service
from support.some_horde import APPROVER, READER, REQUESTOR, SHARED

UNKNOWN = "key-unknown-s3cr3t"
KEYS = sorted({*USERS, UNKNOWN} - {"0000000000"})
SOME = (APPROVER, SHARED, UNKNOWN)
SETTINGS = {"LOG_LEVEL": "debug", "RATE_LIMITS__FAILED_KEYS_BURST": "100", "BODY_TIMEOUT_SECONDS": "0.3"}
SEARCHED = re.compile("|".join(map(re.escape, [*KEYS, *(quote(key, safe="") for key in KEYS)])).encode())


@pytest.fixture(scope="module")
def redis_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServerNode]:
    with started(partial(private_redis, tmp_path_factory.mktemp("redis"))) as node:
        yield node


@pytest.fixture(scope="module")
def secretive(tmp_path_factory: pytest.TempPathFactory, redis_node: RedisServerNode) -> Iterator[ServiceNode]:
    settings = {**SETTINGS, "REDIS__URL": redis_node.url}
    with running_service(tmp_path_factory.mktemp("secretive"), settings) as node:
        yield node


async def test_keys_are_found_nowhere(secretive: ServiceNode, redis_node: RedisServerNode) -> None:
    async with aiohttp.ClientSession() as session:
        attacker = Attacker(session, secretive.port)
        answers = await everything(attacker)
        for path in ("/metrics", "/ready", "/live", "/api/status", "/api/heartbeat", "/api/openapi.json"):
            answers.append((await attacker.say("GET", path, key="")).body)
    assert len(answers) > 100
    assert [found for answer in answers for found in SEARCHED.findall(answer)] == []
    assert secretive.sequence() > 3
    assert found_in_files(secretive) == []
    values = await asyncio.to_thread(redis_contents, redis_node.url)
    assert len(values) > 3
    assert [found for value in values for found in SEARCHED.findall(value)] == []


async def everything(attacker: Attacker) -> list[bytes]:
    """Send keys in every way, good and bad; return what came back."""
    said = [attacker.say(*request, key=key) for key in KEYS for request in requests_with(key, attacker)]
    broken = [
        attacker.raw(request, until=b'{"detail":', more_seconds=0.6)
        for key in SOME
        for request in broken_with(key)
    ]
    answers = [(await answer).body for answer in said]
    return [*answers, *(answer.raw for answer in await asyncio.gather(*broken))]


def requests_with(key: str, attacker: Attacker) -> list[tuple[str, str, object]]:
    return [
        ("GET", f"{V2}/me/roles", None),
        ("GET", f"{QUEUE}/changes?limit=x", None),
        ("GET", f"{V2}/clip?apikey={key}", None),
        ("GET", f"{V2}/nowhere?x=1&API%4BEY={quote(key)}", None),
        ("POST", f"{V2}/clip", {"name": attacker.name()}),
        ("POST", f"{V2}/clip", b"{not json"),
        ("POST", f"{V2}/clip?apikey={key}", {"name": 5}),
        ("PUT", f"{V2}/text_generation/aliases/x", {"aliases": [attacker.name()]}),
        ("DELETE", f"{V2}/clip/model/nothing", None),
        ("POST", f"{QUEUE}/purge", {}),
    ]


def broken_with(key: str) -> list[bytes]:
    heads = (
        ("Content-Length: 5",),  # and nothing more: too slow
        ("Content-Length: x",),
        ("Transfer-Encoding: chunked", "Content-Length: 1"),
        ("X-A: b", "no colon"),
        ("Expect: something",),
        ("Idempotency-Key: \x01",),
        (f"User-Agent: {'x' * 300_000}",),
    )
    return [
        *(head("POST", f"{V2}/clip", *lines, key=key) for lines in heads),
        f"GET / HTTP/1.1\r\napikey: {key}\x00\r\n\r\n".encode(),
        f"apikey: {key}\r\n\r\n".encode(),
    ]


def found_in_files(node: ServiceNode) -> list[str]:
    """Return which files below the node's folder hold a key; its log is one of them."""
    files = [path for path in node.root.rglob("*") if path.is_file()]
    assert node.log in files
    assert node.log.stat().st_size > 10_000
    return [str(path) for path in files if SEARCHED.search(path.read_bytes())]


def redis_contents(url: str) -> list[bytes]:
    """Return every key and value of the cache."""
    with redis.Redis.from_url(url) as client:
        keys = list(client.scan_iter())
        values = [client.dump(key) or b"" for key in keys]
        return [*keys, *values, *(client.get(key) or b"" for key in keys if client.type(key) == b"string")]


async def test_each_key_is_told_to_the_ai_horde_only_when_it_is_asked(secretive: ServiceNode) -> None:
    async with aiohttp.ClientSession() as session:
        attacker = Attacker(session, secretive.port)
        for key in (READER, REQUESTOR, APPROVER, OTHER_APPROVER):
            answer = await attacker.say("GET", f"{V2}/me/roles", key=key)
            assert answer.json["username"] == USERS[key]["username"]
            assert key not in str(answer.headers)
