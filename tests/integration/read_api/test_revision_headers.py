import pytest
from aiohttp import hdrs, web
from aiohttp.test_utils import make_mocked_request

from read_api.answers import RevisionStamp
from read_api.holder import PageHolder
from support.contents import a_content, a_record
from support.read_clients import AiohttpClient, Client, Serve, application_over
from support.revision_sources import ScriptedSource

CLIP = "/api/model_references/v2/clip"
CONTENT = a_content({"clip": {"plain": a_record("clip", "plain")}}, revision=3)


@pytest.mark.parametrize(
    "path", [CLIP, "/api/nothing", "/api/model_references/v2/nonsense", "/api/heartbeat"]
)
async def test_every_answer_tells_the_revision(client: Client, path: str) -> None:
    answer = await client.get(path)

    assert answer.headers["X-Revision"] == "3"
    assert "X-Stale" not in answer.headers


async def test_answers_of_an_instance_that_lost_its_source_are_marked_stale(serve: Serve) -> None:
    client = await serve(CONTENT, source=ScriptedSource(stale=True))

    answer = await client.get(CLIP)

    assert answer.status == 200
    assert answer.headers["X-Stale"] == "true"


@pytest.mark.parametrize(("about", "stale"), [("3", True), ("2", False)])
async def test_what_is_told_of_a_former_revision_is_never_stale(about: str, stale: bool) -> None:
    holder = PageHolder()
    holder.attach(ScriptedSource(stale=True))
    await holder.publish(CONTENT)
    answer = web.Response(headers={"X-Revision": about})

    RevisionStamp(holder)(make_mocked_request("GET", CLIP), answer)

    assert ("X-Stale" in answer.headers) == stale


@pytest.mark.parametrize("revision", ["0", "3", " 2 "])
async def test_a_revision_that_is_served_is_answered_at_once(serve: Serve, revision: str) -> None:
    source = ScriptedSource()
    client = await serve(CONTENT, source=source)

    answer = await client.get(CLIP, headers={"X-Min-Revision": revision})

    assert answer.status == 200
    assert source.waits == []


async def test_a_later_revision_is_waited_for(serve: Serve) -> None:
    source = ScriptedSource(reaches=True)
    client = await serve(CONTENT, source=source)

    answer = await client.get(CLIP, headers={"X-Min-Revision": "4"})

    assert answer.status == 200
    assert source.waits == [(4, 0.05)]


async def test_a_revision_that_does_not_come_is_503_with_the_one_that_is_served(serve: Serve) -> None:
    client = await serve(CONTENT, source=ScriptedSource(reaches=False))

    answer = await client.get(CLIP, headers={"X-Min-Revision": "4"})

    assert answer.status == 503
    assert hdrs.RETRY_AFTER in answer.headers
    assert answer.headers["X-Revision"] == "3"


@pytest.mark.parametrize("revision", ["", "-1", "1.0", "x", "9" * 30, "٣"])
async def test_what_is_no_revision_is_refused(client: Client, revision: str) -> None:
    answer = await client.get(CLIP, headers={"X-Min-Revision": revision})

    assert answer.status == 422
    assert (await answer.json())["detail"][0]["loc"] == ["header", "X-Min-Revision"]


async def test_before_the_first_revision_only_what_needs_none_is_answered(
    aiohttp_client: AiohttpClient,
) -> None:
    client = await aiohttp_client(application_over(PageHolder()))

    waiting = await client.get(CLIP)

    assert waiting.status == 503
    assert hdrs.RETRY_AFTER in waiting.headers
    assert "X-Revision" not in waiting.headers
    for path in (
        "/",
        "/heartbeat",
        "/replicate_mode",
        "/status",
        "/openapi.json",
        "/docs",
        "/model_references/v1/info",
    ):
        assert (await client.get(f"/api{path}")).status == 200
