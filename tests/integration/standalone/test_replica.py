"""The whole service as a replica, in this process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from horde_model_reference.meta_consts import ReplicateMode
from service_kit.settings import SettingsInvalid
from standalone.app import Banner, create_app
from standalone.journal_access import open_journal
from standalone.settings import StandaloneSettings
from support.contents import a_record
from support.histories import Past
from support.served_pasts import V1, V2, served
from support.serving import Client, serving
from support.some_horde import ANONYMOUS, READER, REQUESTOR, SomeHorde

NOWHERE = "http://127.0.0.1:1/api"


def settings_for(data_dir: Path, **more: Any) -> StandaloneSettings:
    given = {
        "primary_api_url": NOWHERE,
        "enable_github_fallback": False,
        "access_log": False,
        "ai_horde_url": NOWHERE,
        **more,
    }
    return StandaloneSettings(replicate_mode=ReplicateMode.REPLICA, data_dir=data_dir, **given)


def unexpected(*_: object) -> None:
    raise AssertionError("nothing makes a replica unusable")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """Return a client of a replica that has a key check, and nothing to serve."""
    async with TestServer(SomeHorde().application) as horde:
        settings = settings_for(
            tmp_path,
            ai_horde_url=str(horde.make_url("/api/")),
            pending_queue={"requestor_ids": ["101"], "approver_ids": ["101"]},
        )
        async with serving(create_app(settings, on_ready=unexpected, on_unusable=unexpected)) as client:
            yield client


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"{V2}/clip/pending"),
        ("GET", f"{V2}/pending_queue/changes"),
        ("GET", f"{V2}/pending_queue/audit/current"),
        ("GET", f"{V1}/pending_queue/changes/1"),
        ("POST", f"{V2}/clip"),
        ("PUT", f"{V2}/clip/model/a"),
        ("DELETE", f"{V2}/clip/model/a"),
        ("POST", f"{V2}/pending_queue/batches"),
        ("POST", f"{V2}/revisions/1/rollback"),
        ("PUT", f"{V2}/text_generation/aliases/Llama"),
    ],
)
async def test_what_needs_a_key_is_refused_after_the_key(client: Client, method: str, path: str) -> None:
    without = await client.ask(path, method)
    wrong = await client.ask(path, method, headers={"apikey": "made-up"})
    right = await client.ask(path, method, headers={"apikey": REQUESTOR}, json={})

    assert (without.status, without.headers["WWW-Authenticate"]) == (401, "APIKey")
    assert wrong.status == 401
    assert right.status == 503
    assert "REPLICA" in right.json["detail"]


async def test_reads_of_the_queue_are_refused_with_any_key(client: Client) -> None:
    for key in (READER, ANONYMOUS):
        answer = await client.ask(f"{V2}/clip/pending", headers={"apikey": key})
        assert (answer.status, "REPLICA" in answer.json["detail"]) == (503, True)


async def test_the_legacy_form_is_read_only(client: Client) -> None:
    answer = await client.ask(f"{V1}/clip", "POST", headers={"apikey": REQUESTOR}, json={})

    assert answer.status == 405


async def test_who_somebody_is_can_be_asked(client: Client) -> None:
    answer = await client.ask(f"{V2}/me/roles", headers={"apikey": REQUESTOR})

    assert (answer.status, answer.json["roles"]) == (200, ["approver", "requestor"])


async def test_it_starts_without_its_primary(client: Client) -> None:
    assert (await client.ask("/live")).status == 200
    assert (await client.ask("/ready")).status == 503
    assert (await client.ask("/api/replicate_mode")).json["replicate_mode"] == "REPLICA"
    assert (await client.ask(f"{V2}/clip")).status == 503


async def test_the_banner_comes_once_with_the_first_catalogue(tmp_path: Path) -> None:
    past, banners = Past(), asyncio.Queue[Banner]()
    await past.seed({"clip": {"a": a_record("clip", "a")}})
    async with served(past) as primary:
        url = f"http://127.0.0.1:{primary.client.port}/api"
        application = create_app(
            settings_for(tmp_path, primary_api_url=url),
            on_ready=banners.put_nowait,
            on_unusable=unexpected,
        )
        async with serving(application) as client, asyncio.timeout(60):
            text = await asyncio.to_thread(await banners.get(), "http://here")
            await past.apply({"clip": {"b": a_record("clip", "b")}})
            assert (await client.ask(f"{V2}/clip", headers={"X-Min-Revision": "2"})).status == 200

    assert f"mode      REPLICA of {url}\n" in text
    assert "revision  1 of 2026-11-20 14:03:00 UTC, from the PRIMARY\n" in text
    assert "models    1: clip 1\n" in text
    assert "http://here/api/docs" in text
    assert banners.empty()


async def test_a_replica_has_no_journal(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="REPLICATE_MODE"):
        async with open_journal(settings_for(tmp_path)):
            pass
