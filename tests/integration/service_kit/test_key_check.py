"""Keys are looked up at an AI-Horde that may do anything; no key is ever shown."""

import asyncio
import json
import logging
import sys
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import BaseTestServer, TestServer
from hypothesis import given
from hypothesis import strategies as st

from service_kit.access_settings import KeyCheckSettings, KeyedServiceSettings
from service_kit.errors import KeyInvalid, KeyServiceBusy, KeyServiceUnavailable, ServiceError
from service_kit.horde_users import HordeUsers, User, open_horde_users
from service_kit.key_check import open_key_checker
from service_kit.roles import RoleTable
from service_kit.telemetry import Telemetry
from support.fault_proxy import FaultProxy
from support.nodes import free_ports
from support.reference_data import SHARED, requires_shared
from support.some_horde import ANONYMOUS, APPROVER, READER, REQUESTOR, SomeHorde, always, break_off, hang
from support.some_horde import SHARED as SHARED_KEY

ROLES = RoleTable(["101"], ["202"])
SECRET = "s3cr3t-k3y"
HTML = {"Content-Type": "text/html"}


@pytest.fixture
def horde() -> SomeHorde:
    return SomeHorde()


@pytest.fixture
async def server(horde: SomeHorde) -> AsyncIterator[BaseTestServer]:
    async with TestServer(horde.application) as server:
        yield server


@pytest.fixture
async def users(server: BaseTestServer) -> AsyncIterator[HordeUsers]:
    async with open_horde_users(str(server.make_url("/api/")), KeyCheckSettings()) as users:
        yield users


@pytest.mark.parametrize("path", ["/api/", "/api", "/", "", "/api//"])
async def test_address_works_with_and_without_a_slash_at_its_end(
    server: BaseTestServer, horde: SomeHorde, path: str
) -> None:
    async with open_horde_users(f"{server.make_url('').origin()}{path}", KeyCheckSettings()) as users:
        assert await users.find(REQUESTOR) == User("101", "requestor#101")


async def test_request_carries_the_key_and_who_asks_and_nothing_else_of_ours(
    users: HordeUsers, horde: SomeHorde
) -> None:
    await users.find(REQUESTOR)
    (request,) = horde.seen
    assert request.headers["apikey"] == REQUESTOR
    assert request.headers["Client-Agent"].count(":") == 2
    assert (request.query_string, "Cookie" in request.headers) == ("", False)


@pytest.mark.parametrize(
    ("answer", "user_id", "roles"),
    [
        ({"username": "a#101", "id": 101}, "101", {"requestor"}),
        ({"username": "we#ird#101", "id": 101}, "101", {"requestor"}),
        ({"username": "a#101 (Shared Key: toy)", "id": 101}, "101 (Shared Key: toy)", set()),
        ({"username": "a#101 (Shared Key)", "id": 101}, "101 (Shared Key)", set()),
        ({"username": "a#7 (Shared Key: #101)", "id": 7}, "101)", set()),
        ({"username": "x#101#", "id": 101}, None, None),
        ({"username": "x#101", "id": 555}, "101", set()),
        ({"username": "x#101"}, "101", set()),
        ({"username": "x#101", "id": "101"}, "101", set()),
        ({"username": "x#101", "id": 101.0}, "101", set()),
        ({"username": "x#1", "id": True}, "1", set()),
        ({"username": "x#0101", "id": 101}, "0101", set()),
        ({"username": "x#101 ", "id": 101}, "101 ", set()),
        ({"username": "x#101\n", "id": 101}, "101\N{REPLACEMENT CHARACTER}", set()),
        ({"username": "x#\u0661\u0660\u0661", "id": 101}, "\u0661\u0660\u0661", set()),
        ({"username": "Anonymous#0", "id": 0}, "0", set()),
        ({"username": "x#101", "id": 101, "flagged": True}, "101", set()),
        ({"username": "x#101", "id": 101, "deleted": True}, "101", set()),
        ({"username": "x#101", "id": 101, "flagged": False, "deleted": False}, "101", {"requestor"}),
        ({"username": "x#101", "id": 101, "flagged": None}, "101", {"requestor"}),
        ({"username": "nobody", "id": 101}, None, None),
        ({"username": "", "id": 101}, None, None),
    ],
)
async def test_roles_need_a_name_and_an_id_that_agree(
    users: HordeUsers, horde: SomeHorde, answer: dict[str, Any], user_id: str | None, roles: set[str] | None
) -> None:
    horde.answer_with = always(200, answer)
    if user_id is None:
        with pytest.raises(KeyInvalid):
            await users.find("any")
        return
    user = await users.find("any")
    assert user.user_id == user_id
    assert ROLES.roles(user) == frozenset(roles or ())


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("body", [{"message": "no user 's3cr3t-k3y'", "rc": "UserNotFound"}, b"no such user"])
async def test_key_that_the_horde_does_not_know_is_invalid(
    users: HordeUsers, horde: SomeHorde, status: int, body: object
) -> None:
    horde.answer_with = always(status, body)
    with pytest.raises(KeyInvalid, match=r"^Invalid API key$"):
        await users.find("s3cr3t-k3y")


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        *((status, {"message": "x"}, {}) for status in (500, 502, 503, 504, 520, 400, 405, 418, 204)),
        (301, b"", {"Location": "/elsewhere"}),
        (403, b"<html>challenge</html>", HTML),
        (404, b"<html>not here</html>", HTML),
        (200, b"<html>maintenance</html>", HTML),
        (200, b"", {}),
        (200, b"{", {}),
        (200, b"\xff", {}),
        (200, [], {}),
        (200, "name#1", {}),
        (200, None, {}),
        (200, {}, {}),
        (200, {"username": None}, {}),
        (200, {"username": 101}, {}),
        (200, {"username": ["a#1"]}, {}),
        (200, {"username": "x" * 501 + "#101", "id": 101}, {}),
        (200, b'{"username": "a\\ud800#101", "id": 101}', {}),
        (200, {"username": "a#101", "id": 101, "more": "x" * 300_000}, {}),
        (200, b'{"a":' * 100_000, {}),
        (200, b"x", {"Content-Encoding": "gzip"}),
    ],
)
async def test_answer_that_says_nothing_about_the_key_is_an_outage_and_never_an_invalid_key(
    users: HordeUsers, horde: SomeHorde, status: int, body: object, headers: dict[str, str]
) -> None:
    horde.answer_with = always(status, body, **headers)
    with pytest.raises(KeyServiceUnavailable) as caught:
        await users.find("any")
    assert (caught.value.status, str(caught.value)) == (503, "Auth service unavailable")
    assert len(horde.seen) == 1


async def test_redirect_is_not_followed_so_that_the_key_stays_here(
    users: HordeUsers, horde: SomeHorde
) -> None:
    other = SomeHorde()
    async with TestServer(other.application) as elsewhere:
        location = str(elsewhere.make_url("/api/v2/find_user"))
        horde.answer_with = always(307, b"", Location=location)
        with pytest.raises(KeyServiceUnavailable):
            await users.find(REQUESTOR)
    assert other.seen == []


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("7", "7"), ("0", "1"), ("9999", "60"), ("soon", "1"), ("", "1"), ("-5", "1"), ("9" * 99, "1")],
)
async def test_busy_horde_is_left_alone_for_a_bounded_time(
    users: HordeUsers, horde: SomeHorde, retry_after: str, seconds: str
) -> None:
    horde.answer_with = always(429, {"message": "slow down"}, **{"Retry-After": retry_after})
    with pytest.raises(KeyServiceBusy) as caught:
        await users.find("any")
    assert caught.value.headers["Retry-After"] == seconds


async def test_horde_that_hangs_is_given_up_in_time(server: BaseTestServer, horde: SomeHorde) -> None:
    horde.answer_with = hang
    url, settings = str(server.make_url("/api/")), KeyCheckSettings(timeout_seconds=0.3)
    async with asyncio.timeout(20), open_horde_users(url, settings) as users:
        with pytest.raises(KeyServiceUnavailable, match=r"^Auth service timed out$"):
            await users.find("any")


async def test_horde_that_breaks_off_is_unavailable(users: HordeUsers, horde: SomeHorde) -> None:
    horde.answer_with = break_off
    with pytest.raises(KeyServiceUnavailable, match=r"^Auth service unavailable$"):
        await users.find("any")


async def test_horde_that_is_not_there_is_unavailable() -> None:
    async with open_horde_users(f"http://127.0.0.1:{free_ports(1)[0]}", KeyCheckSettings()) as users:
        with pytest.raises(KeyServiceUnavailable, match=r"^Auth service unavailable$"):
            await users.find("any")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_server_that_does_not_speak_http_is_unavailable_and_the_key_shows_in_no_trace(
    raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with caplog.at_level(logging.DEBUG):
        async with server, open_horde_users(url, KeyCheckSettings(timeout_seconds=2)) as users:
            with pytest.raises(KeyServiceUnavailable) as caught:
                await users.find(SECRET)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    assert SECRET not in shown
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


async def outcome_of(users: HordeUsers, key: str) -> object:
    try:
        return await users.find(key)
    except ServiceError as error:
        return error


members = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("a#1")
answers = st.dictionaries(st.sampled_from(["username", "id", "flagged", "deleted"]), members)


@given(body=st.binary(max_size=100) | answers.map(json.dumps).map(str.encode))
async def test_any_answer_is_a_user_an_invalid_key_or_an_outage(body: bytes) -> None:
    horde = SomeHorde()
    horde.answer_with = always(200, body)
    async with (
        TestServer(horde.application) as server,
        open_horde_users(str(server.make_url("/api/")), KeyCheckSettings()) as users,
    ):
        assert isinstance(await outcome_of(users, "any"), User | KeyInvalid | KeyServiceUnavailable)


async def test_checker_survives_an_outage_with_the_users_it_knows(server: BaseTestServer) -> None:
    assert server.port is not None
    async with FaultProxy("127.0.0.1", server.port) as proxy:
        settings = KeyedServiceSettings.model_validate(
            {
                "AI_HORDE_URL": f"http://127.0.0.1:{proxy.port}/api/",
                "key_check": {"fresh_seconds": 0, "known_wait_seconds": 0.2, "pause_seconds": 0.3},
            }
        )
        telemetry = Telemetry("test")
        async with open_key_checker(settings, telemetry) as checker:
            assert (await checker.identify(APPROVER)).user_id == "202"
            proxy.blackhole()
            async with asyncio.timeout(1):
                assert (await checker.identify(APPROVER)).user_id == "202"
            proxy.refuse()
            assert (await checker.identify(APPROVER)).user_id == "202"
            with pytest.raises(KeyServiceUnavailable):
                await checker.identify(READER)
            proxy.heal()
            await asyncio.sleep(0.35)
            assert (await checker.identify(READER)).user_id == "303"
            assert (await checker.identify(ANONYMOUS)).user_id == "0"
    assert b"key-" not in telemetry.render()


@requires_shared
@pytest.mark.parametrize(
    ("key", "user_id", "may_hold_roles"),
    [
        ("requestor-key-0000000001", "1001", True),
        ("hash-alias-key-000000001", "3005", True),
        ("shared-key-of-bob-000001", "2002 (Shared Key: for friends)", False),
        ("flagged-user-key-0000001", "3004", False),
        ("0000000000", "0", False),
    ],
)
async def test_published_behaviour_of_the_horde_is_understood(
    published_horde: HordeUsers, key: str, user_id: str, may_hold_roles: bool
) -> None:
    user = await published_horde.find(key)
    assert (user.user_id, user.may_hold_roles) == (user_id, may_hold_roles)


@pytest.fixture
async def published_horde() -> AsyncIterator[HordeUsers]:
    port = free_ports(1)[0]
    program = [str(SHARED / "fakes" / "fake_aihorde.py"), "--port", str(port)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with open_horde_users(f"http://127.0.0.1:{port}/api", KeyCheckSettings()) as users:
            await until_there(users)
            yield users
    finally:
        process.kill()
        await process.wait()


async def until_there(users: HordeUsers) -> None:
    async with asyncio.timeout(10):
        while isinstance(await outcome_of(users, ANONYMOUS), KeyServiceUnavailable):  # noqa: ASYNC110 - a process
            await asyncio.sleep(0.05)


async def test_shared_key_reads_and_has_no_role(users: HordeUsers) -> None:
    user = await users.find(SHARED_KEY)
    assert (user.may_hold_roles, ROLES.roles(user)) == (False, frozenset())


async def test_session_of_its_own_is_closed_at_the_end(server: BaseTestServer) -> None:
    async with open_horde_users(str(server.make_url("/api/")), KeyCheckSettings()) as users:
        await users.find(READER)
    with pytest.raises(RuntimeError, match="closed"):
        await users.find(READER)
