"""What is special about statistics at the gateway."""

import asyncio
import json

import pytest
from aiohttp import web

from support.gateways import V2, Reply, gateway, within_a_second

STATISTICS = "/api/model_references/statistics"
RISK = f"{STATISTICS}/text_generation/deletion-risk"
POPULAR = f"{V2}/image_generation/popular"


@pytest.mark.parametrize("path", [RISK, POPULAR, STATISTICS])
async def test_gateway_without_stats_service_says_so_and_asks_nobody(path: str) -> None:
    async with gateway(stats=0) as running:
        for headers in ({}, {"X-Min-Revision": "3"}, {"apikey": "k"}):
            answer = await running.send("GET", path, headers)
            assert (answer.status, answer.headers["Content-Type"]) == (503, "application/json")
            assert "no stats service" in json.loads(answer.body)["detail"]
            assert "Retry-After" not in answer.headers  # later would be no better
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert [*running.reads[0].seen, *running.writes[0].seen] == []


async def test_other_reads_do_not_need_a_stats_service() -> None:
    async with gateway(stats=0) as running:
        assert (await running.get(f"{V2}/clip")).headers["X-From"] == "read-0"
        running.reads[0].status = 503
        overloaded = await running.get(f"{V2}/clip/model/x")
    assert (overloaded.status, overloaded.body) == (503, b'{"from":"an upstream"}')


@pytest.mark.parametrize("path", [RISK, POPULAR])
async def test_second_read_within_a_second_is_answered_from_the_cache(path: str) -> None:
    async with gateway() as running:

        async def read_twice() -> tuple[Reply, Reply]:
            running.stats[0].seen.clear()
            return await running.get(path), await running.get(path)

        first, second = await within_a_second(read_twice)
        assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "HIT")
        await running.get(path, X_Min_Revision="2")
        await running.get(path, apikey="k")
        assert len(running.stats[0].seen) == 3


async def test_stats_service_may_take_longer_than_a_read() -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(1.5)
        return web.Response(body=b"figures")

    async with gateway(stats=2, answer_seconds=1, stats_seconds=20) as running:
        for server in running.stats:
            server.answer = slow
        assert (await running.get(RISK)).body == b"figures"
        assert sum(len(server.seen) for server in running.stats) == 1


async def test_missing_figures_are_the_answer_and_no_reason_to_leave_an_instance_out() -> None:
    async with gateway(stats=2) as running:
        for server in running.stats:
            server.status, server.body = 502, b'{"detail":"no figures yet"}'
            server.headers["Retry-After"] = "2"
        answers = [await running.get(f"{RISK}?offset={n}") for n in range(6)]
        asked = [len(server.seen) for server in running.stats]
    assert {(answer.status, answer.body) for answer in answers} == {(502, b'{"detail":"no figures yet"}')}
    assert {answer.headers["Retry-After"] for answer in answers} == {"2"}
    assert sum(asked) == 6
    assert min(asked) >= 2


@pytest.mark.parametrize("fault", ["gone", "502", "503"])
async def test_last_figures_are_served_and_marked_when_there_are_no_new_ones(fault: str) -> None:
    async with gateway(stats=2) as running:
        await running.get(RISK)
        for server in running.stats:
            if fault == "gone":
                await server.stop()
            else:
                server.status = int(fault)
        await asyncio.sleep(1.05)
        stale = await running.get(RISK)
    assert (stale.status, stale.headers["X-Stale"], stale.headers["X-Cache"]) == (200, "true", "STALE")


@pytest.mark.parametrize("headers", [{}, {"apikey": "k"}, {"X-Min-Revision": "2"}])
@pytest.mark.parametrize("fault", ["gone", "not ready"])
async def test_instance_that_cannot_answer_is_passed_over(headers: dict[str, str], fault: str) -> None:
    async with gateway(stats=2) as running:
        if fault == "gone":
            await running.stats[0].stop()
        running.stats[0].status = 503
        answers = [await running.send("GET", f"{RISK}?offset={n}", headers) for n in range(9)]
    assert {answer.status for answer in answers} == {200}


async def test_nobody_there_is_a_readable_502_and_others_are_served() -> None:
    async with gateway() as running:
        await running.stats[0].stop()
        for _ in range(2):  # the second time nobody is even asked
            answer = await running.get(RISK)
            assert (answer.status, answer.headers["Retry-After"]) == (502, "1")
            assert "cannot be reached" in json.loads(answer.body)["detail"]
        assert (await running.get(f"{V2}/clip")).status == 200


async def test_instances_that_restart_one_after_the_other_are_always_found() -> None:
    async with gateway(stats=2) as running:
        for n in range(2):
            for server in running.stats:
                await server.stop()
                answers = [
                    await running.get(f"{RISK}?offset={n}&limit={one}", apikey="k") for one in range(1, 5)
                ]
                assert {answer.status for answer in answers} == {200}
                await server.start()
