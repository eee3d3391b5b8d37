"""The S3 store when answers are lost, cut, late or refused."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from service_kit.errors import ObjectExists, ObjectMissing, StoreUnavailable
from service_kit.object_store import ObjectStore
from service_kit.s3_object_store import open_s3_store
from service_kit.telemetry import Telemetry
from support.fault_proxy import FaultProxy, How
from support.servers import S3Server, make_bucket, private_s3, started

KEY = "journal/000000000002.json"
LIMIT_SECONDS = 15.0  # longest a call may take where the server hangs: without its limits it would not end
SHORT: dict[str, Any] = {
    "connect_timeout_seconds": 20.0,
    "read_timeout_seconds": 1.0,
    "deadline_seconds": 60.0,
}
HASTY: dict[str, Any] = {**SHORT, "read_timeout_seconds": 0.5, "deadline_seconds": 2.0}


@pytest.fixture
async def proxy(s3_server: S3Server) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(*s3_server.address) as proxy:
        yield proxy


@pytest.fixture
async def stores(s3_server: S3Server, proxy: FaultProxy) -> AsyncIterator[tuple[ObjectStore, ObjectStore]]:
    """One store through the proxy, and one that sees the same objects without it."""
    shaky_settings = s3_server.settings(port=proxy.port, **SHORT)
    direct_settings = s3_server.settings(prefix=shaky_settings.prefix)
    async with open_s3_store(shaky_settings) as shaky, open_s3_store(direct_settings) as direct:
        yield shaky, direct


HOWS: list[How] = ["reset", "close", "silence"]


@pytest.mark.parametrize("how", HOWS)
async def test_create_whose_answer_was_lost_once_succeeds(
    stores: tuple[ObjectStore, ObjectStore], proxy: FaultProxy, how: How
) -> None:
    shaky, direct = stores
    await shaky.create("journal/1", b"warm-up: the client holds a connection now")
    proxy.lose_answers(1, how)
    await shaky.create(KEY, b"ours")
    assert proxy.lost == 1
    assert await direct.get(KEY) == b"ours"


async def test_create_whose_answers_are_all_lost_raises_and_can_be_read_back(
    stores: tuple[ObjectStore, ObjectStore], proxy: FaultProxy
) -> None:
    shaky, _ = stores
    proxy.lose_answers(100)
    with pytest.raises(StoreUnavailable):
        await shaky.create(KEY, b"ours")
    assert proxy.lost > 0
    proxy.heal()
    assert await shaky.get(KEY) == b"ours"


@pytest.mark.parametrize("how", HOWS)
async def test_lost_answer_does_not_claim_the_object_of_another_writer_with_equal_bytes(
    stores: tuple[ObjectStore, ObjectStore], proxy: FaultProxy, how: How
) -> None:
    shaky, direct = stores
    await direct.create(KEY, b"equal")
    proxy.lose_answers(1, how)
    with pytest.raises(ObjectExists):
        await shaky.create(KEY, b"equal")


async def test_racing_writers_with_lost_answers_have_at_most_one_winner(
    stores: tuple[ObjectStore, ObjectStore], proxy: FaultProxy
) -> None:
    shaky, direct = stores
    for round_number in range(2):
        key = f"journal/{round_number:012d}.json"
        proxy.lose_answers(2, "reset" if round_number % 2 else "close")
        bodies = [f"writer {number}".encode() for number in range(4)]
        racers = [(shaky if n % 2 else direct).create(key, body) for n, body in enumerate(bodies)]
        outcomes = await asyncio.gather(*racers, return_exceptions=True)
        proxy.heal()
        held = await direct.get(key)
        winners = [body for body, outcome in zip(bodies, outcomes, strict=True) if outcome is None]
        losers = [outcome for outcome in outcomes if outcome is not None]
        assert winners in ([held], [])
        assert all(isinstance(outcome, ObjectExists | StoreUnavailable) for outcome in losers)


async def test_answer_cut_in_the_middle_is_never_taken_for_the_object(
    stores: tuple[ObjectStore, ObjectStore], proxy: FaultProxy
) -> None:
    shaky, direct = stores
    await direct.create(KEY, b"x" * 500_000)
    proxy.cut_answers_after(100_000)
    with pytest.raises(StoreUnavailable):
        await shaky.get(KEY)
    proxy.heal()
    assert len(await shaky.get(KEY)) == 500_000


async def test_refused_connections_raise_store_unavailable_until_they_are_accepted_again(
    stores: tuple[ObjectStore, ObjectStore], proxy: FaultProxy
) -> None:
    shaky, _ = stores
    await shaky.create(KEY, b"before")
    proxy.refuse()
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await shaky.get(KEY)
    assert time.monotonic() - started < LIMIT_SECONDS
    proxy.heal()
    assert await shaky.get(KEY) == b"before"


async def test_silent_server_costs_bounded_time_for_every_call(
    s3_server: S3Server, proxy: FaultProxy
) -> None:
    async with open_s3_store(s3_server.settings(port=proxy.port, **HASTY)) as shaky:
        proxy.blackhole()
        calls = [
            shaky.get(KEY),
            shaky.create(KEY, b"x"),
            shaky.list_after("journal/"),
            shaky.delete("checkpoints/1"),
        ]
        started = time.monotonic()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert time.monotonic() - started < LIMIT_SECONDS
    assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)


async def test_short_outage_is_bridged_by_retries(s3_server: S3Server, proxy: FaultProxy) -> None:
    telemetry = Telemetry("test")
    async with open_s3_store(s3_server.settings(port=proxy.port, **SHORT), telemetry) as store:
        proxy.lose_answers(1)
        with pytest.raises(ObjectMissing):
            await store.get(KEY)
    assert b'retries_total{neighbour="object store"}' in telemetry.render()


async def test_wrong_secret_raises_store_unavailable_with_the_reason(s3_server: S3Server) -> None:
    async with open_s3_store(s3_server.settings(secret_key=SecretStr("wrong"))) as store:
        with pytest.raises(StoreUnavailable, match="refuses the credentials"):
            await store.create(KEY, b"x")


async def test_missing_bucket_raises_store_unavailable_with_the_reason(s3_server: S3Server) -> None:
    async with open_s3_store(s3_server.settings(bucket="no-such-bucket")) as store:
        with pytest.raises(StoreUnavailable, match="bucket"):
            await store.list_after("journal/")


async def test_acknowledged_objects_survive_the_death_of_the_server(tmp_path: Path) -> None:
    with started(partial(private_s3, tmp_path)) as node:
        make_bucket(node)
        server = S3Server(node.endpoint, node.access_key, node.secret_key)
        async with open_s3_store(server.settings(**SHORT)) as store:
            for number in range(20):
                await store.create(f"journal/{number:012d}.json", b"entry")
            await asyncio.to_thread(node.kill)
            with pytest.raises(StoreUnavailable):
                await store.get("journal/000000000000.json")
            await asyncio.to_thread(node.start)
            keys = await until_available(store)
            assert len(keys) == 20


async def until_available(store: ObjectStore) -> list[str]:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(StoreUnavailable):
                return await store.list_after("journal/")
            await asyncio.sleep(0.1)
