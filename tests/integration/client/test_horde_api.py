import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from horde_model_reference.background_requests import RequestFailed
from horde_model_reference.http_retry import FAILURES_TO_OPEN, OPEN_SECONDS
from horde_model_reference.integrations.horde_api import HordeApi
from horde_model_reference.integrations.horde_popularity import popular_models
from horde_model_reference.model_reference_records import ImageGenerationModelRecord
from support.a_clock import AClock
from support.upstreams import Upstream, upstreams

PATH = "v2/status/models?type=image"


@pytest.fixture
async def horde() -> AsyncIterator[Upstream]:
    async with upstreams("horde") as (server,):
        yield server


def an_api(horde: Upstream, clock: AClock, *, slash: str = "") -> HordeApi:
    return HordeApi(f"http://127.0.0.1:{horde.port}/api{slash}", backoff_seconds=0.01, clock=clock)


@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_path_is_asked_for_below_the_address(horde: Upstream, slash: str) -> None:
    horde.body = b"[1]"
    assert await an_api(horde, AClock(), slash=slash).get(PATH) == [1]
    assert horde.paths == [f"/api/{PATH}"]
    assert horde.seen[0].headers["Client-Agent"].count(":") == 2
    assert "apikey" not in horde.seen[0].headers


async def test_an_answer_is_kept_for_its_time(horde: Upstream) -> None:
    clock = AClock()
    api = an_api(horde, clock)
    await asyncio.gather(api.get(PATH), api.get(PATH))
    clock.advance(59)
    await api.get(PATH)
    assert len(horde.seen) == 1
    clock.advance(1)
    await api.get(PATH)
    assert len(horde.seen) == 2


@pytest.mark.parametrize(("status", "body"), [(400, b"{}"), (200, b"<html>"), (503, b"")])
async def test_while_it_fails_the_old_answer_is_used(horde: Upstream, status: int, body: bytes) -> None:
    clock = AClock()
    api = an_api(horde, clock)
    horde.body = b"[1]"
    await api.get(PATH)
    clock.advance(3600)
    horde.status, horde.body = status, body
    assert await api.get(PATH) == [1]
    with pytest.raises(RequestFailed):
        await api.get("v2/workers")


async def test_after_many_failures_it_is_left_alone_for_a_while(horde: Upstream) -> None:
    clock = AClock()
    api = an_api(horde, clock)
    horde.status = 400
    for _ in range(FAILURES_TO_OPEN + 3):
        with pytest.raises(RequestFailed):
            await api.get(PATH)
    assert len(horde.seen) == FAILURES_TO_OPEN
    clock.advance(OPEN_SECONDS)
    horde.status, horde.body = 200, b"[1]"
    assert await api.get(PATH) == [1]


async def test_after_the_while_one_request_tries_it_for_all(horde: Upstream) -> None:
    clock = AClock()
    api = an_api(horde, clock)
    horde.status = 400
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(RequestFailed):
            await api.get(PATH)
    clock.advance(OPEN_SECONDS)
    paths = [PATH, "v2/workers", "v2/stats/img/models"]
    found = await asyncio.gather(*(api.get(path) for path in paths), return_exceptions=True)
    assert [type(item) for item in found] == [RequestFailed] * 3
    assert len(horde.seen) == FAILURES_TO_OPEN + 1


async def test_the_most_used_models_are_asked_for_over_http(horde: Upstream) -> None:
    horde.body = json.dumps([{"name": "b", "count": 3}, {"name": "a", "count": 1}]).encode()
    records = {
        name: ImageGenerationModelRecord(name=name, baseline="flux_1", nsfw=False) for name in ("a", "b")
    }
    found = await popular_models(records, "image_generation", fetch=an_api(horde, AClock()).get)
    assert [(item.name, item.stats.worker_count) for item in found] == [("b", 3), ("a", 1)]
    assert found[0].stats.usage_stats is None
