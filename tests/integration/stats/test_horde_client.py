"""How often one figure is asked for, and of whom (aihorde-api.md section 3)."""

import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service_kit.telemetry import Telemetry
from stats.domain.runtime import HordeKind, Source
from stats.horde.answers import HordeCallFailed
from stats.horde.call_counts import HordeCallMetrics
from stats.horde.client import ATTEMPTS, HordeClient, open_horde_client
from stats.horde.settings import HordeSettings
from stats.horde.timing import Timing

STATUS = (HordeKind.IMAGE, Source.STATUS)


class Answering:
    """Answers with the planned responses, the last one again and again."""

    def __init__(self, *plan: web.Response) -> None:
        self.plan = list(plan)
        self.requests: list[web.Request] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        planned = self.plan[min(len(self.requests), len(self.plan)) - 1]
        return web.Response(status=planned.status, headers=planned.headers, body=planned.body)


@contextlib.asynccontextmanager
async def asking(answering: Answering) -> AsyncIterator[HordeClient]:
    application = web.Application()
    application.router.add_get("/v2/status/models", answering.answer)
    timing = Timing(retry_pause_seconds=0.001)
    async with TestServer(application) as server:
        settings = HordeSettings.model_validate({"AI_HORDE_URL": str(server.make_url("/"))})
        async with open_horde_client(settings, timing, HordeCallMetrics(Telemetry("stats"))) as client:
            yield client


async def test_a_call_that_fails_is_made_again_until_it_succeeds() -> None:
    answering = Answering(web.Response(status=500), web.Response(text="<html>"), web.Response(text="[]"))
    async with asking(answering) as client:
        received = await client.fetch(STATUS)

    assert received is not None
    assert received.value == ()
    assert len(answering.requests) == ATTEMPTS


async def test_a_call_that_fails_again_and_again_is_given_up() -> None:
    answering = Answering(web.Response(status=503))
    async with asking(answering) as client:
        with pytest.raises(HordeCallFailed):
            await client.fetch(STATUS)

    assert len(answering.requests) == ATTEMPTS


async def test_a_probe_is_a_single_try() -> None:
    answering = Answering(web.Response(status=503), web.Response(text="[]"))
    async with asking(answering) as client:
        with pytest.raises(HordeCallFailed):
            await client.probe(STATUS)

    assert len(answering.requests) == 1


async def test_a_long_rest_that_is_asked_for_is_not_waited_for() -> None:
    answering = Answering(web.Response(status=429, headers={"Retry-After": "60"}), web.Response(text="[]"))
    async with asking(answering) as client:
        with pytest.raises(HordeCallFailed) as failed:
            await client.fetch(STATUS)

    assert failed.value.retry_after_seconds == 60
    assert len(answering.requests) == 1


async def test_a_refusal_that_stays_is_not_asked_again() -> None:
    answering = Answering(web.Response(status=404), web.Response(text="[]"))
    async with asking(answering) as client:
        with pytest.raises(HordeCallFailed):
            await client.fetch(STATUS)

    assert len(answering.requests) == 1


async def test_a_redirection_is_not_followed() -> None:
    elsewhere = {"Location": "/v2/status/models?elsewhere"}
    answering = Answering(web.Response(status=302, headers=elsewhere), web.Response(text="[]"))
    async with asking(answering) as client:
        with pytest.raises(HordeCallFailed):
            await client.fetch(STATUS)

    assert len(answering.requests) == 1
