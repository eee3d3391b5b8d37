import asyncio
import contextlib
from pathlib import Path

import pytest

from horde_model_reference.events import CatalogCommitted
from horde_model_reference.meta_consts import CanonicalFormat, ReplicateMode
from read_api.app import create_app, following
from read_api.holder import PageHolder
from read_api.settings import ReadApiSettings
from service_kit.memory_cache import MemoryCache
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.settings import SettingsInvalid, load_settings
from support.contents import SEED_TIME, a_record
from support.histories import Past
from support.read_clients import AiohttpClient, Client


def settings_for(data_dir: Path) -> ReadApiSettings:
    return ReadApiSettings(data_dir=data_dir, head_poll_seconds=0.05, access_log=False)


async def ready(client: Client) -> int:
    async with asyncio.timeout(60):
        while (status := (await client.get("/ready")).status) == 503:  # noqa: ASYNC110 - it is the client
            await asyncio.sleep(0.01)
    return status


async def test_an_empty_directory_is_an_empty_journal(data_dir: Path, aiohttp_client: AiohttpClient) -> None:
    await asyncio.to_thread(data_dir.mkdir)
    client = await aiohttp_client(create_app(settings_for(data_dir)))

    assert await ready(client) == 200
    assert (await client.get("/api/model_references/v2/lora")).status == 200
    assert (await client.get("/api/model_references/v2/clip")).status == 404
    assert (await client.get("/api/model_references/v2/lora")).headers["X-Revision"] == "0"


async def test_two_applications_in_one_process_do_not_mix(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    legacy = settings_for(tmp_path / "b").model_copy(update={"canonical_format": CanonicalFormat.legacy})
    first = await aiohttp_client(create_app(settings_for(tmp_path / "a")))
    second = await aiohttp_client(create_app(legacy))

    formats = [
        (await (await client.get("/api/replicate_mode")).json())["canonical_format"]
        for client in (first, second)
    ]

    assert formats == ["v2", "legacy"]


async def test_an_event_brings_a_new_revision_long_before_the_interval() -> None:
    past, bus, holder = Past(), MemoryEventBus(), PageHolder()
    await past.seed({"clip": {"a": a_record("clip", "a")}})
    async with following(holder, past.store, MemoryCache(), poll_seconds=60, bus=bus):
        await holder.loaded()
        await past.seed({"clip": {"b": a_record("clip", "b")}})
        event = CatalogCommitted(occurred_at=SEED_TIME, sequence=2, revision=2, kind="seeded")
        bus.publish(event.routing_key, event.render())

        async with asyncio.timeout(60):
            while holder.current().revision < 2:  # noqa: ASYNC110 - it is the client
                await asyncio.sleep(0.01)


async def test_the_service_listens_to_the_bus_that_it_opens(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    past, bus = Past(), MemoryEventBus()
    await past.seed({"clip": {"a": a_record("clip", "a")}})
    settings = settings_for(tmp_path).model_copy(update={"head_poll_seconds": 60.0})
    application = create_app(
        settings,
        store_opener=lambda *_: contextlib.nullcontext(past.store),
        bus_opener=lambda *_: contextlib.nullcontext(bus),
    )
    client = await aiohttp_client(application)
    await ready(client)
    await past.seed({"clip": {"b": a_record("clip", "b")}})
    event = CatalogCommitted(occurred_at=SEED_TIME, sequence=2, revision=2, kind="seeded")

    bus.publish(event.routing_key, event.render())

    async with asyncio.timeout(60):
        while (await client.get("/api/heartbeat")).headers["X-Revision"] != "2":  # noqa: ASYNC110 - it is the client
            await asyncio.sleep(0.01)
    assert (await (await client.get("/ready")).json())["checks"]["events"] == "ok"


def test_the_canonical_format_is_taken_in_any_letter_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORDE_MODEL_REFERENCE_CANONICAL_FORMAT", "LEGACY")
    monkeypatch.setenv("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "primary")

    settings = load_settings(ReadApiSettings)

    assert settings.canonical_format is CanonicalFormat.legacy
    assert settings.replicate_mode == "PRIMARY"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CANONICAL_FORMAT", "v3"),
        ("REPLICATE_MODE", "MIRROR"),
        ("HEAD_POLL_SECONDS", "0"),
        ("PRIMARY_API_URL", "models.example"),
    ],
)
def test_an_unusable_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"HORDE_MODEL_REFERENCE_{name}", value)

    with pytest.raises(SettingsInvalid, match=f"HORDE_MODEL_REFERENCE_{name}"):
        load_settings(ReadApiSettings)


async def test_a_replica_is_made_from_the_same_settings(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    replica = settings_for(tmp_path).model_copy(
        update={
            "replicate_mode": ReplicateMode.REPLICA,
            "primary_api_url": "http://127.0.0.1:1/api",
            "enable_github_fallback": False,
        }
    )
    client = await aiohttp_client(create_app(replica))

    mode = await (await client.get("/api/replicate_mode")).json()
    assert mode == {"replicate_mode": "REPLICA", "canonical_format": "v2", "writable": False}
    assert (await client.get("/ready")).status == 503
    assert (await client.get("/api/heartbeat")).status == 200
    assert (await client.get("/api/model_references/v2/clip")).status == 503


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "https://models.aihorde.net/api"),
        ("", ""),
        ("http://primary:19800/api/", "http://primary:19800/api"),
    ],
)
def test_an_empty_address_means_that_there_is_no_primary(
    given: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if given is not None:
        monkeypatch.setenv("HORDE_MODEL_REFERENCE_PRIMARY_API_URL", given)
    monkeypatch.setenv("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "replica")
    monkeypatch.setenv("HORDE_MODEL_REFERENCE_CACHE_TTL_SECONDS", "")

    settings = load_settings(ReadApiSettings)

    assert settings.primary_api_url == expected
    assert settings.replicate_mode is ReplicateMode.REPLICA
    assert settings.cache_ttl_seconds == 60
