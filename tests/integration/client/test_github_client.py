"""The legacy repositories, reached through a proxy that is a server of ours."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest
from aiohttp import web

from horde_model_reference.category_import import import_source
from horde_model_reference.github_sources import GithubPlan, GithubRepository, legacy_file_urls
from horde_model_reference.replica.errors import (
    SourceFailed,
    SourceRefused,
    SourceUnavailable,
    SourceUnusable,
)
from horde_model_reference.replica.fetching import Fetcher
from horde_model_reference.replica.github_client import GithubClient
from support.reference_data import SHARED, requires_shared
from support.upstreams import Upstream, upstreams

RAW = "/https://raw.githubusercontent.com"
CLIP = b'{\r\n  "ViT-L/14": {"name": "ViT-L/14", "type": "clip", "description": "x"}\r\n}'
CSV = b"name,parameters_bn,display_name\r\nauthor/Some-7B,7,Some\r\n"


@pytest.fixture
async def github() -> AsyncIterator[Upstream]:
    async with upstreams("github") as (server,):
        server.headers["Content-Type"] = "text/plain"
        yield server


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
async def client(github: Upstream, pauses: list[float]) -> AsyncIterator[GithubClient]:
    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    proxy = f"http://127.0.0.1:{github.port}"
    plan = GithubPlan(
        GithubRepository("o", "images", "b", proxy_url=proxy),
        GithubRepository("o", "texts", "b", proxy_url=proxy),
        attempts=3,
        backoff_seconds=2,
    )
    made = GithubClient(plan, timeout_seconds=60, sleep=sleep)
    yield made
    await made.close()


def answering(
    *answers: tuple[int, bytes],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Answer with these, the last one for ever."""
    left = list(answers)

    async def answer(_: web.Request) -> web.StreamResponse:
        status, body = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=status, body=body)

    return answer


async def test_a_file_is_fetched_kept_and_converted(client: GithubClient, github: Upstream) -> None:
    github.body = CLIP
    document = await client.document("clip")
    assert document is not None
    assert (document.category, document.legacy) == ("clip", CLIP)
    assert list(document.value) == ["ViT-L/14"]
    assert json.loads(document.v2) == document.value
    assert github.paths == [f"{RAW}/o/images/refs/heads/b/clip.json"]


async def test_text_models_come_from_the_table_of_the_other_repository(
    client: GithubClient, github: Upstream
) -> None:
    github.body = CSV
    document = await client.document("text_generation")
    assert document is not None
    assert document.legacy == CSV
    assert document.value["author/Some-7B"]["parameters"] == 7_000_000_000
    assert github.paths == [f"{RAW}/o/texts/refs/heads/b/models.csv"]


@pytest.mark.parametrize("category", ["lora", "ti", "video_generation", "controlnet_annotator", "unknown"])
async def test_categories_without_a_file_cost_no_request(
    client: GithubClient, github: Upstream, category: str
) -> None:
    assert await client.document(category) is None
    assert github.seen == []


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b"404: Not Found", SourceRefused),
        (403, b"", SourceRefused),
        (304, b"", SourceRefused),
        (429, b"", SourceUnavailable),
        (503, b"", SourceUnavailable),
        (200, b"", SourceUnusable),
        (200, b"<html></html>", SourceUnusable),
        (200, b"null", SourceUnusable),
        (200, CLIP[:-1], SourceUnusable),
    ],
)
async def test_every_failure_is_tried_three_times_with_equal_pauses(
    client: GithubClient,
    github: Upstream,
    pauses: list[float],
    status: int,
    body: bytes,
    kind: type[SourceFailed],
) -> None:
    github.answer = answering((status, body))
    with pytest.raises(kind):
        await client.document("clip")
    assert len(github.seen) == 3
    assert pauses == [2, 2]


async def test_the_third_attempt_counts(client: GithubClient, github: Upstream) -> None:
    github.answer = answering((404, b""), (200, b"{"), (200, CLIP))
    document = await client.document("clip")
    assert document is not None
    assert document.legacy == CLIP


async def test_a_server_that_is_down_is_unavailable(client: GithubClient, github: Upstream) -> None:
    await github.stop()
    with pytest.raises(SourceUnavailable):
        await client.document("clip")


async def test_a_table_without_its_columns_is_unusable(client: GithubClient, github: Upstream) -> None:
    github.body = b"a,b\r\n1,2\r\n"
    with pytest.raises(SourceUnusable):
        await client.document("text_generation")


async def test_a_record_that_cannot_be_converted_is_left_out_and_told(
    client: GithubClient, github: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    github.body = b'{"bad": 7, "good": {"name": "good", "type": "clip"}}'
    document = await client.document("clip")
    assert document is not None
    assert list(document.value) == ["good"]
    assert "bad of clip.json is left out" in caplog.text


async def test_a_fetcher_that_was_given_is_used_and_left_open(github: Upstream) -> None:
    github.body = CLIP
    proxy = f"http://127.0.0.1:{github.port}"
    repository = GithubRepository("o", "images", proxy_url=proxy)
    fetcher = Fetcher(timeout_seconds=60)
    plan = GithubPlan(repository, repository, attempts=0, backoff_seconds=0)
    made = GithubClient(plan, fetcher=fetcher)
    assert await made.document("clip") is not None
    await made.close()
    assert await made.document("clip") is not None
    assert fetcher.statistics().requests == 2
    await fetcher.close()


async def test_a_file_that_did_not_change_gives_the_same_document(
    client: GithubClient, github: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    github.body = CLIP[:-1].rstrip() + b', "bad": 7}'
    first, second = await client.document("clip"), await client.document("clip")
    assert caplog.text.count("bad of clip.json is left out") == 1  # converted once
    github.body = CLIP.replace(b'"x"', b'"y"')
    third = await client.document("clip")
    assert first == second
    assert third is not None
    assert third.value["ViT-L/14"]["description"] == "y"


def without_times(records: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        name: {field: value for field, value in record.items() if field != "metadata"}
        for name, record in records.items()
    }


@requires_shared
@pytest.mark.parametrize("category", sorted(legacy_file_urls()))
async def test_the_real_files_become_what_the_import_makes_of_them(
    client: GithubClient, github: Upstream, category: str
) -> None:
    name = legacy_file_urls()[category].rsplit("/", 1)[-1]
    folder = "text" if category == "text_generation" else "image"
    github.body = (SHARED / "data" / folder / name).read_bytes()
    document = await client.document(category)
    assert document is not None
    imported = import_source(category, {name: github.body}, now=0, previous=None)
    assert without_times(document.value) == without_times(json.loads(imported.documents.v2))
