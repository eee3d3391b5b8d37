"""Who may do what, over HTTP: statuses, texts, headers, the order of the checks, and limits."""

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service_kit.access_settings import KeyedServiceSettings
from service_kit.authentication import Authenticator
from service_kit.horde_users import User
from service_kit.key_check import open_key_checker
from service_kit.rate_limit import LocalRateLimiter
from service_kit.request_limits import RequestLimits
from service_kit.roles import RoleTable
from service_kit.telemetry import Telemetry
from service_kit.web import create_application
from support.serving import Answer, Client, serving
from support.some_horde import (
    ANONYMOUS,
    APPROVER,
    NO_ID,
    READER,
    REQUESTOR,
    SHARED,
    SomeHorde,
    always,
    break_off,
)

ROLES = {"requestor_ids": ("101",), "approver_ids": ("202",)}
PATHS = {"reader": "/api/read", "requestor": "/api/propose", "approver": "/api/decide"}


class Setting:
    def __init__(self, client: Client, horde: SomeHorde, telemetry: Telemetry) -> None:
        self.client = client
        self.horde = horde
        self.telemetry = telemetry

    async def ask(self, needed: str, key: str | None, method: str = "POST", **headers: str) -> Answer:
        keyed = headers if key is None else {"apikey": key, **headers}
        return await self.client.ask(PATHS[needed], method, headers=keyed)


@contextlib.asynccontextmanager
async def a_setting(**values: Any) -> AsyncIterator[Setting]:
    horde, telemetry = SomeHorde(), Telemetry("test")
    async with TestServer(horde.application) as server:
        settings = KeyedServiceSettings.model_validate(
            {"AI_HORDE_URL": str(server.make_url("/api/")), "pending_queue": ROLES, **values}
        )
        async with open_key_checker(settings, telemetry) as checker:
            limits = RequestLimits(
                LocalRateLimiter(),
                settings.rate_limits,
                telemetry,
                trusted_proxies=settings.trusted_proxies,
            )
            authenticator = Authenticator(checker, RoleTable.from_settings(settings.pending_queue), limits)
            async with serving(an_application(settings, telemetry, authenticator)) as client:
                yield Setting(client, horde, telemetry)


def an_application(
    settings: KeyedServiceSettings, telemetry: Telemetry, authenticator: Authenticator
) -> web.Application:
    application = create_application(settings, telemetry)
    checks = {
        "reader": authenticator.reader,
        "requestor": authenticator.requestor,
        "approver": authenticator.approver,
    }
    for needed, check in checks.items():

        async def handler(request: web.Request, check: Any = check) -> web.Response:
            user: User = await check(request)
            return web.json_response({"user": user.user_id})

        application.router.add_route("*", PATHS[needed], handler)
    return application


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    async with a_setting() as setting:
        yield setting


@pytest.mark.parametrize("needed", PATHS)
@pytest.mark.parametrize("key", [None, "", "  "])
async def test_request_without_a_key_is_told_how_to_send_one(
    setting: Setting, needed: str, key: str | None
) -> None:
    answer = await setting.ask(needed, key)
    assert (answer.status, answer.json) == (401, {"detail": "Not authenticated"})
    assert answer.headers["WWW-Authenticate"] == "APIKey"
    assert setting.horde.seen == []


@pytest.mark.parametrize("needed", PATHS)
@pytest.mark.parametrize("key", ["key-unknown", NO_ID, "x" * 300, "k\u00e9y", "\u0661"])
async def test_key_of_nobody_is_invalid(setting: Setting, needed: str, key: str) -> None:
    answer = await setting.ask(needed, key)
    assert (answer.status, answer.json) == (401, {"detail": "Invalid API key"})


@pytest.mark.parametrize(
    ("needed", "key", "status", "text"),
    [
        ("reader", READER, 200, "303"),
        ("reader", ANONYMOUS, 200, "0"),
        ("reader", SHARED, 200, "101 (Shared Key: toy)"),
        ("requestor", REQUESTOR, 200, "101"),
        ("requestor", APPROVER, 200, "202"),
        ("approver", APPROVER, 200, "202"),
        ("requestor", READER, 403, "requestor"),
        ("requestor", ANONYMOUS, 403, "requestor"),
        ("requestor", SHARED, 403, "requestor"),
        ("approver", REQUESTOR, 403, "approver"),
        ("approver", READER, 403, "approver"),
    ],
)
async def test_roles_decide(setting: Setting, needed: str, key: str, status: int, text: str) -> None:
    answer = await setting.ask(needed, key)
    assert answer.status == status
    assert text in answer.json["user" if status == 200 else "detail"]


@pytest.mark.parametrize("needed", ["requestor", "approver"])
async def test_role_that_nobody_was_given_makes_keys_invalid_without_asking(needed: str) -> None:
    async with a_setting(pending_queue={}) as setting:
        answer = await setting.ask(needed, APPROVER)
        assert (answer.status, answer.json) == (401, {"detail": "Invalid API key"})
        assert (await setting.ask(needed, None)).json == {"detail": "Not authenticated"}
        assert setting.horde.seen == []
        assert (await setting.ask("reader", READER)).status == 200


@pytest.mark.parametrize("status", [500, 502, 503, 429])
async def test_outage_of_the_horde_is_a_503_that_says_when_to_try_again(
    setting: Setting, status: int
) -> None:
    setting.horde.answer_with = always(status, b"<html>")
    answer = await setting.ask("reader", READER)
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert "Auth service" in answer.json["detail"]


async def test_user_known_before_the_outage_goes_on_working() -> None:
    async with a_setting(key_check={"fresh_seconds": 0}) as setting:
        assert (await setting.ask("approver", APPROVER)).status == 200
        setting.horde.answer_with = break_off
        assert (await setting.ask("approver", APPROVER)).status == 200
        assert (await setting.ask("approver", REQUESTOR)).status == 503


async def test_errors_can_be_read_by_the_configured_origins() -> None:
    origin = "https://console.example"
    async with a_setting(cors_allowed_origins=(origin,)) as setting:
        for key, status in ((READER, 403), ("unknown", 401)):
            answer = await setting.ask("approver", key, Origin=origin)
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (status, origin)
        wanted = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "apikey,content-type,idempotency-key",
        }
        answer = await setting.client.ask(PATHS["approver"], "OPTIONS", headers=wanted)
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "idempotency-key" in answer.headers["Access-Control-Allow-Headers"]


async def test_requests_of_an_address_are_limited_before_anything_is_looked_at() -> None:
    async with a_setting(rate_limits={"requests_per_minute": 6, "requests_burst": 3}) as setting:
        answers = [await setting.ask("reader", None, "GET") for _ in range(4)]
        assert [answer.status for answer in answers] == [401, 401, 401, 429]
        assert "too many requests" in answers[-1].json["detail"]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 10
        assert b'requests_limited_total{limit="requests"} 1.0' in setting.telemetry.render()


async def test_guessing_keys_is_limited_and_verified_users_of_the_address_go_on() -> None:
    async with a_setting(rate_limits={"failed_keys_per_minute": 6, "failed_keys_burst": 3}) as setting:
        assert (await setting.ask("reader", READER)).status == 200
        guesses = [(await setting.ask("reader", f"guess-{number}")).status for number in range(6)]
        assert guesses == [401, 401, 401, 429, 429, 429]
        assert len(setting.horde.seen) == 4
        assert (await setting.ask("reader", READER)).status == 200


async def test_writes_of_a_user_are_limited_and_reads_and_other_users_are_not() -> None:
    async with a_setting(rate_limits={"writes_per_minute": 6, "writes_burst": 2}) as setting:
        assert [(await setting.ask("requestor", REQUESTOR)).status for _ in range(3)] == [200, 200, 429]
        assert (await setting.ask("requestor", REQUESTOR, "GET")).status == 200
        assert (await setting.ask("requestor", APPROVER)).status == 200


async def test_missing_role_costs_no_write() -> None:
    async with a_setting(rate_limits={"writes_per_minute": 6, "writes_burst": 1}) as setting:
        assert [(await setting.ask("approver", REQUESTOR)).status for _ in range(3)] == [403, 403, 403]
        assert (await setting.ask("requestor", REQUESTOR)).status == 200


async def test_limits_can_be_switched_off() -> None:
    limits = {"enabled": False, "requests_burst": 1, "writes_burst": 1, "failed_keys_burst": 1}
    async with a_setting(rate_limits=limits) as setting:
        assert {(await setting.ask("requestor", REQUESTOR)).status for _ in range(5)} == {200}
        assert {(await setting.ask("requestor", "guess")).status for _ in range(5)} == {401}


async def test_addresses_behind_our_proxy_are_limited_one_by_one() -> None:
    limits = {"requests_per_minute": 6, "requests_burst": 1}
    async with a_setting(rate_limits=limits, trusted_proxies=1) as setting:
        passed_on = ["1.1.1.1", "2.2.2.2", "1.1.1.1", "9.9.9.9, 2.2.2.2"]
        answers = [await setting.ask("reader", READER, **{"X-Forwarded-For": one}) for one in passed_on]
    assert [answer.status for answer in answers] == [200, 200, 429, 429]


async def test_client_without_a_proxy_cannot_change_its_address() -> None:
    async with a_setting(rate_limits={"requests_per_minute": 6, "requests_burst": 1}) as setting:
        passed_on = ["1.1.1.1", "2.2.2.2"]
        answers = [await setting.ask("reader", READER, **{"X-Forwarded-For": one}) for one in passed_on]
    assert [answer.status for answer in answers] == [200, 429]


async def test_key_shows_in_no_answer_log_or_metric(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with a_setting() as setting:
            answers = [await setting.ask("approver", "s3cr3t-k3y")]
            setting.horde.answer_with = always(500, b"s3cr3t-k3y")
            answers += [
                await setting.ask("approver", "s3cr3t-k3y-2"),
                await setting.ask("reader", "s3cr3t\u00e9"),
            ]
            metrics = setting.telemetry.render()
    assert [answer.status for answer in answers] == [401, 503, 401]
    shown = caplog.text + metrics.decode() + "".join(f"{answer.headers}{answer.body!r}" for answer in answers)
    assert "s3cr3t" not in shown
