"""What is logged while a request is answered names the request, as its answer and the access log do."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from service_kit.logging_setup import JsonLineFormatter
from support.serving import serving
from support.some_service import SomeService

log = logging.getLogger("of_a_test")


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Collect what is logged, as the service would write it."""
    found: list[dict[str, Any]] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(json.loads(self.format(record)))

    handler = Collector()
    handler.setFormatter(JsonLineFormatter("test"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield found
    root.setLevel(level)
    root.removeHandler(handler)


async def say(_: web.Request) -> web.Response:
    log.info("said")
    return web.Response()


@pytest.mark.parametrize("given", [{}, {"X-Request-ID": "r-7"}], ids=["made here", "given"])
async def test_lines_of_a_request_have_the_id_that_its_answer_has(
    given: dict[str, str], lines: list[dict[str, Any]]
) -> None:
    service = SomeService()
    service.application.add_routes([web.get("/say", say)])
    async with serving(service.application) as client:
        answer = await client.ask("/say", headers=given)
    request_id = answer.headers["X-Request-ID"]
    assert request_id == given.get("X-Request-ID", request_id)
    assert [line["request_id"] for line in lines if line["message"] == "said"] == [request_id]
    assert [line["request_id"] for line in service.lines() if line["path"] == "/say"] == [request_id]


async def test_two_requests_of_a_connection_are_told_apart(lines: list[dict[str, Any]]) -> None:
    service = SomeService()
    service.application.add_routes([web.get("/say", say)])
    async with serving(service.application) as client:
        for name in ("one", "other"):
            await client.ask("/say", headers={"X-Request-ID": name})
    assert [line["request_id"] for line in lines if line["message"] == "said"] == ["one", "other"]


async def test_failure_is_logged_under_the_id_that_the_client_is_told(lines: list[dict[str, Any]]) -> None:
    service = SomeService()
    async with serving(service.application) as client:
        answer = await client.ask("/api/fails/bug")
    (failed,) = [line for line in lines if "exception" in line]
    assert answer.status == 500
    assert failed["request_id"] == answer.headers["X-Request-ID"]
    assert "a secret of the code" not in answer.body.decode()
