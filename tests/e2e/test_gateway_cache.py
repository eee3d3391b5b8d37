"""What the gateway keeps, for whom, for how long, and what it serves when nobody answers."""

import asyncio
import time

import pytest
from aiohttp import web

from support.gateways import HASTY, V2, Gateway, Reply, begin_of_a_second, gateway, within_a_second

CLIP = f"{V2}/clip"


async def answer_by_coding(request: web.Request) -> web.Response:
    """Answer as read-api does: by what the client accepts, with a validator for each form."""
    wanted = request.headers.get("Accept-Encoding", "identity")
    headers = {"ETag": f'"{wanted}"', "Vary": "Accept-Encoding, Origin", "X-Revision": "7"}
    return web.Response(
        body=wanted.encode(), headers={**headers, "Cache-Control": "no-cache", "X-Coding": wanted}
    )


async def until_served(running: Gateway, body: bytes) -> Reply:
    """Ask until the answer has this body."""
    async with asyncio.timeout(60):
        while True:
            answer = await running.get(CLIP)
            if answer.body == body:
                return answer
            await asyncio.sleep(0.01)


async def test_second_read_within_a_second_is_answered_from_the_cache() -> None:
    async with gateway() as running:

        async def read_twice() -> tuple[Reply, Reply]:
            running.reads[0].seen.clear()
            return await running.get(CLIP), await running.get(CLIP)

        first, second = await within_a_second(read_twice)
        assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "HIT")
        assert second.body == first.body
        assert len(running.reads[0].seen) == 1


@pytest.mark.parametrize("begin_at", [0.05, 0.5, 0.9])
async def test_nothing_older_than_a_second_is_served_while_the_service_answers(begin_at: float) -> None:
    async with gateway() as running:
        await begin_of_a_second()
        await asyncio.sleep(begin_at)
        await running.get(CLIP)
        await running.get(CLIP)
        running.reads[0].body, changed = b'"new"', time.monotonic()
        await asyncio.sleep(changed + 1.05 - time.monotonic())
        assert (await running.get(CLIP)).body == b'"new"'


@pytest.mark.parametrize(
    "headers", [{"apikey": "k"}, {"X-Min-Revision": "3"}, {"Accept-Encoding": "gzip;q=0.5"}]
)
async def test_requests_of_a_kind_of_their_own_are_neither_answered_from_the_cache_nor_kept(
    headers: dict[str, str],
) -> None:
    async with gateway() as running:
        await begin_of_a_second()
        for _ in range(2):
            await running.send("GET", CLIP, headers)
        assert len(running.reads[0].seen) == 2
        assert (await running.get(CLIP)).headers["X-Cache"] == "MISS"
        await running.send("GET", CLIP, headers)
        seen = running.reads[0].seen
        assert len(seen) == 4
        assert {name: seen[-1].headers[name] for name in headers} == headers


async def test_conditional_request_with_a_key_reaches_the_service_as_it_is() -> None:
    async with gateway() as running:
        await running.get(CLIP, apikey="k", If_None_Match='"x"')
        assert running.reads[0].seen[0].headers["If-None-Match"] == '"x"'


async def test_forms_are_kept_apart_and_spellings_together() -> None:
    spellings = {
        "br, gzip": ["gzip, deflate, br", "br,gzip", "deflate, gzip, br, zstd", "GZIP, BR"],
        "gzip": ["gzip", "gzip, deflate", "deflate,  gzip"],
        "br": ["br", "deflate, br"],
        "identity": ["", "deflate", "zstd", "xbr, gzipped"],
    }
    async with gateway() as running:
        running.reads[0].answer = answer_by_coding

        async def read_all() -> None:
            running.reads[0].seen.clear()
            for expected, headers in spellings.items():
                for header in headers:
                    answer = await running.get(CLIP, Accept_Encoding=header)
                    assert (header, answer.headers["X-Coding"]) == (header, expected)

        await within_a_second(read_all)
        assert len(running.reads[0].seen) == len(spellings)


async def test_pages_of_different_origins_do_not_share_answers() -> None:
    async with gateway() as running:

        async def read_for_pages() -> None:
            running.reads[0].seen.clear()
            for origin in ("https://a.example", "https://b.example", "https://a.example"):
                await running.get(CLIP, Origin=origin)

        await within_a_second(read_for_pages)
        assert [one.headers["Origin"] for one in running.reads[0].seen] == [
            "https://a.example",
            "https://b.example",
        ]


async def test_known_validator_is_answered_with_304_and_the_revision() -> None:
    async with gateway() as running:
        running.reads[0].answer = answer_by_coding
        await begin_of_a_second()
        tag = (await running.get(CLIP, Accept_Encoding="gzip")).headers["ETag"]
        known = await running.get(CLIP, Accept_Encoding="gzip", If_None_Match=tag)
        other = await running.get(CLIP, Accept_Encoding="br", If_None_Match=tag)
    assert (known.status, known.body, known.headers["X-Revision"], known.headers["ETag"]) == (
        304,
        b"",
        "7",
        tag,
    )
    assert known.headers["Vary"] == "Accept-Encoding, Origin"
    assert other.status == 200


async def test_new_revision_of_an_unchanged_document_is_told() -> None:
    async with gateway() as running:
        server = running.reads[0]
        server.headers["ETag"], server.headers["X-Revision"] = '"same"', "1"
        await running.get(CLIP)
        server.headers["X-Revision"] = "2"
        await asyncio.sleep(1.05)
        answer = await running.get(CLIP, If_None_Match='"same"')
    assert (answer.status, answer.headers["X-Revision"]) == (304, "2")


async def test_head_is_answered_like_get_without_the_body() -> None:
    async with gateway() as running:
        await begin_of_a_second()
        head, get = await running.send("HEAD", CLIP), await running.get(CLIP)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.body))


@pytest.mark.parametrize(
    ("status", "cache_control"), [(200, "no-store"), (404, "no-cache"), (422, ""), (500, "max-age=60")]
)
async def test_errors_and_what_must_not_be_stored_are_asked_for_each_time(
    status: int, cache_control: str
) -> None:
    async with gateway() as running:
        running.reads[0].status = status
        running.reads[0].headers["Cache-Control"] = cache_control
        await begin_of_a_second()
        answers = [await running.get(CLIP) for _ in range(2)]
        assert [answer.status for answer in answers] == [status, status]
        assert [answer.body for answer in answers] == [running.reads[0].body] * 2
        assert len(running.reads[0].seen) == 2


async def test_caching_headers_of_the_service_reach_the_client() -> None:
    async with gateway() as running:
        running.reads[0].headers.update({"Cache-Control": "no-cache, stale-if-error=60", "ETag": '"1"'})
        answer = await running.get(CLIP)
    assert (answer.headers["Cache-Control"], answer.headers["ETag"]) == ("no-cache, stale-if-error=60", '"1"')
    assert not [name for name in answer.headers if name.lower().startswith("x-accel")]


async def fill_then_fail(running: Gateway, fault: str) -> None:
    await running.get(CLIP)
    for server in running.reads:
        match fault:
            case "gone":
                await server.stop()
            case "silent":
                server.hang = True
            case _:
                server.status = int(fault)
    await asyncio.sleep(1.05)


@pytest.mark.parametrize("fault", ["gone", "503"])
async def test_last_answer_is_served_and_marked_when_nobody_answers(fault: str) -> None:
    async with gateway(reads=2) as running:
        await fill_then_fail(running, fault)
        stale = await running.get(CLIP)
        again = await running.get(CLIP)
    assert (stale.status, stale.headers["X-Stale"], stale.headers["X-Cache"]) == (200, "true", "STALE")
    assert stale.body == again.body == b'{"from":"an upstream"}'


async def test_service_that_came_back_is_noticed() -> None:
    async with gateway(reads=1) as running:
        await fill_then_fail(running, "gone")
        assert (await running.get(CLIP)).headers["X-Stale"] == "true"
        running.reads[0].body = b'"fresh"'
        await running.reads[0].start()
        answer = await until_served(running, b'"fresh"')
    assert "X-Stale" not in answer.headers


async def test_frozen_service_costs_one_client_the_wait_and_others_a_second() -> None:
    async with gateway(reads=2, **HASTY) as running:
        await fill_then_fail(running, "silent")
        async with asyncio.timeout(20):
            assert (await running.get(CLIP)).headers["X-Stale"] == "true"
        asked = sum(len(server.seen) for server in running.reads)
        async with asyncio.timeout(20):
            assert (await running.get(CLIP)).status == 200
        assert sum(len(server.seen) for server in running.reads) == asked + 1  # not one after the other
