import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_reference_records import GenericModelRecord, ImageGenerationModelRecord
from horde_model_reference.providers.pending import PendingModelProvider
from support.fault_proxy import FaultProxy
from support.upstreams import Upstream, upstreams

IMAGE = MODEL_REFERENCE_CATEGORY.image_generation
PATH = "/api/model_references/v2/image_generation/pending"
KEY = "s3cret-key"
ONE = {"baseline": "stable_diffusion_1", "nsfw": False, "description": "beta"}

Records = dict[str, GenericModelRecord]


@pytest.fixture
async def primary() -> AsyncIterator[Upstream]:
    async with upstreams("primary") as (server,):
        server.body = json.dumps({"Deliberate": ONE}).encode()
        yield server


def a_provider(port: int, **changes: Any) -> PendingModelProvider:
    address = f"http://127.0.0.1:{port}/api/"
    options = {"timeout_seconds": 5.0, "retry_backoff_seconds": 0.01, **changes}
    return PendingModelProvider(primary_api_url=address, apikey=KEY, categories={IMAGE}, **options)


async def read(provider: PendingModelProvider, **options: bool) -> Records | None:
    """Read as a program without a loop does."""
    return await asyncio.to_thread(provider.fetch_category, IMAGE, **options)


async def test_pending_records_are_asked_for_with_the_key(primary: Upstream) -> None:
    records = await read(a_provider(primary.port))
    assert records is not None
    assert isinstance(records["Deliberate"], ImageGenerationModelRecord)
    assert records["Deliberate"].description == "beta"
    assert primary.paths == [PATH]
    assert primary.seen[0].headers["apikey"] == KEY


async def test_a_category_may_be_given_as_text(primary: Upstream) -> None:
    provider = PendingModelProvider(
        primary_api_url=f"http://127.0.0.1:{primary.port}/api", apikey=KEY, categories=["image_generation"]
    )
    assert await asyncio.to_thread(provider.fetch_category, IMAGE)
    assert await provider.fetch_category_async("image_generation")
    assert primary.paths == [PATH]


async def test_bad_and_unusual_entries_cost_only_themselves(primary: Upstream) -> None:
    unusual = {**ONE, "baseline": "baseline_of_2031"}
    body = {"broken": {"x": 1}, "rubbish": 5, "unusual": unusual, "named": {**ONE, "name": "other"}}
    primary.body = json.dumps(body).encode()
    assert list(await read(a_provider(primary.port)) or {}) == ["unusual", "other"]


async def test_an_answer_is_kept_and_each_reader_gets_a_mapping_of_its_own(primary: Upstream) -> None:
    provider = a_provider(primary.port)
    first = await read(provider)
    assert first is not None
    first.clear()
    assert list(await read(provider) or {}) == ["Deliberate"]
    assert list(await provider.fetch_category_async(IMAGE) or {}) == ["Deliberate"]
    assert len(primary.seen) == 1


async def test_force_refresh_asks_again(primary: Upstream) -> None:
    provider = a_provider(primary.port)
    await read(provider)
    primary.body = b"{}"
    assert await read(provider, force_refresh=True) == {}
    assert await read(provider) == {}
    assert len(primary.seen) == 2


async def test_without_a_time_to_live_nothing_is_kept(primary: Upstream) -> None:
    provider = a_provider(primary.port, cache_ttl_seconds=0)
    await read(provider)
    await provider.fetch_category_async(IMAGE)
    assert len(primary.seen) == 2


async def test_who_reads_at_once_shares_one_request(primary: Upstream) -> None:
    arrived, go = asyncio.Event(), asyncio.Event()

    async def wait(_: web.Request) -> web.StreamResponse:
        arrived.set()
        await go.wait()
        return web.json_response({"Deliberate": ONE})

    primary.answer = wait
    provider = a_provider(primary.port)
    reads = [asyncio.create_task(read(provider)) for _ in range(3)]
    reads += [asyncio.create_task(provider.fetch_category_async(IMAGE)) for _ in range(3)]
    await arrived.wait()
    go.set()
    assert [list(records or {}) for records in await asyncio.gather(*reads)] == [["Deliberate"]] * 6
    assert len(primary.seen) == 1


@pytest.mark.parametrize(("status", "requests"), [(500, 3), (503, 3), (429, 3), (401, 1), (403, 1), (404, 1)])
async def test_a_refusal_is_none_and_only_what_may_pass_is_tried_again(
    primary: Upstream, status: int, requests: int
) -> None:
    primary.status = status
    assert await read(a_provider(primary.port)) is None
    assert len(primary.seen) == requests


async def test_an_answer_at_the_second_try_counts(primary: Upstream) -> None:
    async def fail_once(_: web.Request) -> web.StreamResponse:
        return web.json_response({"a": ONE}, status=503 if len(primary.seen) == 1 else 200)

    primary.answer = fail_once
    assert list(await read(a_provider(primary.port)) or {}) == ["a"]


@pytest.mark.parametrize("body", [b"<html>", b"null", b"[]", b'"x"', b"\xff", b"[" * 100_000])
async def test_what_is_no_object_is_none(primary: Upstream, body: bytes) -> None:
    primary.body = body
    assert await read(a_provider(primary.port)) is None


async def test_a_lost_connection_is_tried_again_and_then_none(primary: Upstream) -> None:
    async with FaultProxy("127.0.0.1", primary.port) as proxy:
        proxy.refuse()
        assert await read(a_provider(proxy.port)) is None
        assert proxy.accepted >= 3


async def test_a_server_that_does_not_answer_in_time_is_none(primary: Upstream) -> None:
    primary.hang = True
    provider = a_provider(primary.port, timeout_seconds=0.3, retry_max_attempts=2)
    assert await provider.fetch_category_async(IMAGE) is None
    assert len(primary.seen) == 2


async def test_after_a_failure_nobody_is_asked_for_a_moment(primary: Upstream) -> None:
    primary.status = 403
    provider = a_provider(primary.port)
    assert [await read(provider), await read(provider)] == [None, None]
    assert len(primary.seen) == 1
    primary.status = 200
    assert await read(provider, force_refresh=True)


async def test_what_was_known_before_a_failure_is_not_given_out(primary: Upstream) -> None:
    provider = a_provider(primary.port)
    assert await read(provider)
    primary.status = 403
    assert await read(provider, force_refresh=True) is None


@pytest.mark.parametrize("address", ["http://[broken/api", "nonsense", "ftp://127.0.0.1/api", ""])
async def test_an_address_that_is_none_is_a_failure_like_others(address: str) -> None:
    provider = PendingModelProvider(
        primary_api_url=address, apikey=KEY, categories={IMAGE}, retry_backoff_seconds=0.01
    )
    assert await read(provider) is None


@pytest.mark.parametrize("key", ["with\nnewline", "ü", ""])
async def test_a_strange_key_is_sent_or_fails_like_others(primary: Upstream, key: str) -> None:
    provider = PendingModelProvider(
        primary_api_url=f"http://127.0.0.1:{primary.port}/api", apikey=key, categories={IMAGE}
    )
    records = await read(provider)
    assert records is None or list(records) == ["Deliberate"]


def break_it(server: Upstream) -> None:
    server.status = 401


def spoil_it(server: Upstream) -> None:
    server.body = json.dumps({"x": {"apikey": KEY}}).encode()


@pytest.mark.parametrize("trouble", [break_it, spoil_it])
async def test_no_log_line_has_the_key(
    primary: Upstream, caplog: pytest.LogCaptureFixture, trouble: Callable[[Upstream], None]
) -> None:
    caplog.set_level(logging.DEBUG)
    trouble(primary)
    await read(a_provider(primary.port))
    assert caplog.messages
    assert KEY not in caplog.text
