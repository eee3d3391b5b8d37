"""What is asked of the primary, and what is made of its answers (sync.md sections 3 and 12)."""

import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from service_kit.http_fetch import PeerUnavailable
from service_kit.telemetry import Telemetry
from support.reference_data import requires_shared
from support.sync_world import HURRIED, LegacyPrimary, SyncWorld, sync_world
from sync_worker.primary import PrimaryDocuments, PrimaryTiming, open_primary

pytestmark = requires_shared


@pytest.fixture
async def world() -> AsyncIterator[SyncWorld]:
    async with sync_world() as world:
        yield world


async def ask(
    primary: LegacyPrimary, *categories: str, least: int | None = None, timing: PrimaryTiming = HURRIED
) -> PrimaryDocuments:
    async with open_primary(primary.url, timing, Telemetry("test")) as client:
        return await client.documents(categories, least)


async def test_documents_come_with_their_revision(world: SyncWorld) -> None:
    world.primary.change("clip", "new", description="one")
    found = await ask(world.primary, "clip", "blip")
    assert (found.revision, found.failures) == (2, {})
    assert {name: json.loads(body) for name, body in found.bodies.items()} == {
        name: world.primary.newest[name] for name in ("clip", "blip")
    }


async def test_change_between_two_answers_does_not_mix_revisions(world: SyncWorld) -> None:
    before = world.primary.newest["clip"]

    async def change(request: web.Request) -> None:
        if request.match_info["category"] == "blip" and world.primary.head == 1:
            world.primary.change("clip", "new", description="one")

    world.primary.fault = change
    found = await ask(world.primary, "clip", "blip")
    assert found.revision == 2
    assert json.loads(found.bodies["clip"]) == {**before, "new": {"name": "new", "description": "one"}}
    assert world.primary.asked[-1].endswith("clip?revision=2")


async def test_instance_that_cannot_answer_as_of_that_revision_is_a_failure(world: SyncWorld) -> None:
    async def other(request: web.Request) -> web.Response | None:
        if request.match_info["category"] == "blip":
            return web.json_response({}, headers={"X-Revision": "5"})
        return None

    world.primary.fault = other
    found = await ask(world.primary, "clip", "blip")
    assert (found.revision, sorted(found.bodies), sorted(found.failures)) == (5, ["blip"], ["clip"])


@pytest.mark.parametrize("headers", [{}, {"X-Revision": "3"}])
async def test_instance_that_does_not_understand_the_question_is_a_failure(
    world: SyncWorld, headers: dict[str, str]
) -> None:
    async def answer(request: web.Request) -> web.Response:
        told = {"X-Revision": "5"} if request.match_info["category"] == "blip" else headers
        return web.json_response({}, headers=told)

    world.primary.fault = answer
    found = await ask(world.primary, "clip", "blip")
    assert (found.revision, sorted(found.bodies), sorted(found.failures)) == (5, ["blip"], ["clip"])
    assert "revision 5" in found.failures["clip"]


async def test_revision_that_is_demanded_is_waited_for(world: SyncWorld) -> None:
    assert sorted((await ask(world.primary, "clip", least=2)).failures) == ["clip"]
    world.primary.change("clip", "new")
    assert (await ask(world.primary, "clip", least=2)).revision == 2


async def test_primary_that_tells_no_revisions_is_understood(world: SyncWorld) -> None:
    world.primary.tells_revisions = False
    found = await ask(world.primary, "clip", "blip")
    assert (found.revision, sorted(found.bodies), found.failures) == (None, ["blip", "clip"], {})


@pytest.mark.parametrize(("status", "asked"), [(500, 3), (503, 3), (429, 3), (404, 1), (401, 1)])
async def test_status_that_may_pass_is_asked_three_times_and_no_other(
    world: SyncWorld, status: int, asked: int
) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=status)

    world.primary.fault = refuse
    found = await ask(world.primary, "clip")
    assert str(status) in found.failures["clip"]
    assert len(world.primary.asked) == asked


async def test_third_try_may_succeed(world: SyncWorld) -> None:
    async def refuse(_: web.Request) -> web.Response | None:
        return web.Response(status=502) if len(world.primary.asked) < 3 else None

    world.primary.fault = refuse
    assert sorted((await ask(world.primary, "clip")).bodies) == ["clip"]


async def test_one_category_that_fails_leaves_the_others(world: SyncWorld) -> None:
    del world.primary.newest["clip"]
    found = await ask(world.primary, "clip", "blip")
    assert (sorted(found.bodies), sorted(found.failures)) == (["blip"], ["clip"])


async def test_answer_that_may_be_outdated_is_a_failure(world: SyncWorld) -> None:
    async def stale(_: web.Request) -> web.Response:
        return web.json_response({}, headers={"X-Revision": "1", "X-Stale": "true"})

    world.primary.fault = stale
    assert sorted((await ask(world.primary, "clip")).failures) == ["clip"]


async def test_answer_that_breaks_off_is_a_failure(world: SyncWorld) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response

    world.primary.fault = break_off
    assert sorted((await ask(world.primary, "clip")).failures) == ["clip"]


async def test_newest_revision_is_told_without_a_document(world: SyncWorld) -> None:
    async with open_primary(world.primary.url, HURRIED, Telemetry("test")) as primary:
        assert await primary.revision("clip") == 1
        world.primary.change("clip", "new")
        assert await primary.revision("clip") == 2
        del world.primary.newest["clip"]
        assert await primary.revision("clip") == 2
        world.primary.tells_revisions = False
        assert await primary.revision("blip") is None


async def test_revision_of_a_primary_that_is_down_is_an_error(world: SyncWorld) -> None:
    async with open_primary("http://127.0.0.1:9/api", HURRIED, Telemetry("test")) as primary:
        with pytest.raises(PeerUnavailable):
            await primary.revision("clip")


async def test_document_beyond_all_measure_is_a_failure(world: SyncWorld) -> None:
    chunk = bytes(1024 * 1024)

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(66):
                await response.write(chunk)
        return response

    world.primary.fault = endless
    found = await ask(world.primary, "clip")
    assert "more than" in found.failures["clip"]
    assert len(world.primary.asked) == 1
