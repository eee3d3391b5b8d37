"""Which source a replica takes when the better ones fail, and what it never gives up for a worse one."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from aiohttp import web

from horde_model_reference.replica.disk_cache import DiskCache
from horde_model_reference.replica.legacy_texts import LegacyTexts
from horde_model_reference.replica.lower_sources import KEPT_ON_DISK_SECONDS
from horde_model_reference.replica.replica_core import Patience
from support.replica_cores import a_core, descriptions
from support.scripted_primary import ScriptedPrimary, two_categories
from support.some_github import SomeGithub

LEGACY_CLIP = json.dumps(
    {
        "g": {
            "name": "g",
            "type": "clip",
            "description": "from GitHub",
            "config": {"files": [], "download": []},
        }
    }
).encode()
FROM_GITHUB = {"g": "from GitHub"}
FROM_PRIMARY = {"a": "one", "b": "one"}


async def unavailable(_: web.Request) -> web.Response:
    return web.Response(status=503)


async def test_github_is_taken_at_a_start_without_the_primary(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    primary.fault = unavailable
    async with (
        primary.running(),
        SomeGithub(clip__json=LEGACY_CLIP).client() as github,
        a_core(primary.url, tmp_path, github=github) as core,
    ):
        await core.obtain(["clip", "lora"])
        assert descriptions(core, "clip") == FROM_GITHUB
        assert core.github_fallbacks == 1
        assert core.is_known_missing("lora")
        await core.settle()
        copies = DiskCache(tmp_path)
        assert await asyncio.to_thread(copies.read_legacy, "clip") == LEGACY_CLIP
        copy = await asyncio.to_thread(copies.read, "clip")
        assert copy is not None
        assert (copy.origin, copy.etag, copy.revision) == ("github", None, None)


async def test_the_primary_is_taken_again_as_soon_as_it_answers(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    primary.fault = unavailable
    async with (
        primary.running(),
        SomeGithub(clip__json=LEGACY_CLIP).client() as github,
        a_core(primary.url, tmp_path, github=github, ttl_seconds=0.05) as core,
    ):
        await core.obtain(["clip"])
        primary.fault = None
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip") == FROM_PRIMARY
        assert core.catalogue.anchored == {"clip"}


@pytest.mark.parametrize("knows_revisions", [True, False])
async def test_records_of_the_primary_do_not_give_way_to_github_for_a_while(
    tmp_path: Path, knows_revisions: bool
) -> None:
    primary = ScriptedPrimary(two_categories(), knows_revisions=knows_revisions)
    hub = SomeGithub(clip__json=LEGACY_CLIP)
    async with (
        primary.running(),
        hub.client() as github,
        a_core(primary.url, tmp_path, github=github) as core,
    ):
        await core.obtain(["clip"])
        primary.fault = unavailable
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip") == FROM_PRIMARY
        assert hub.asked == []


@pytest.mark.parametrize("knows_revisions", [True, False])
async def test_they_do_when_the_primary_was_gone_for_long(tmp_path: Path, knows_revisions: bool) -> None:
    primary = ScriptedPrimary(two_categories(), knows_revisions=knows_revisions)
    async with (
        primary.running(),
        SomeGithub(clip__json=LEGACY_CLIP).client() as github,
        a_core(primary.url, tmp_path, github=github, patience=Patience(kept=0.0)) as core,
    ):
        await core.obtain(["clip"])
        primary.fault = unavailable
        await core.obtain(["clip"], force=True)
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip") == FROM_GITHUB


@pytest.mark.parametrize(("age_seconds", "stays"), [(60.0, True), (KEPT_ON_DISK_SECONDS + 60, False)])
async def test_the_copy_of_a_primary_on_the_disk_stays_for_days(
    tmp_path: Path, age_seconds: float, stays: bool
) -> None:
    primary = ScriptedPrimary(two_categories())
    async with primary.running(), SomeGithub(clip__json=LEGACY_CLIP).client() as github:
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(["clip"])
        await asyncio.to_thread(_make_older, tmp_path / "replica" / "clip.json", age_seconds)
        primary.fault = unavailable
        async with a_core(primary.url, tmp_path, github=github) as core:
            await core.obtain(["clip"])
            assert descriptions(core, "clip") == FROM_GITHUB
        copy = await asyncio.to_thread(DiskCache(tmp_path).read, "clip")
        assert copy is not None
        assert copy.origin == ("primary" if stays else "github")


def _make_older(facts: Path, seconds: float) -> None:
    known = json.loads(facts.read_bytes())
    facts.write_text(json.dumps(known | {"fetched_at": known["fetched_at"] - seconds}))


async def test_without_primary_and_github_the_disk_has_to_do(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    async with primary.running(), SomeGithub().client() as github:
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(["clip"])
        primary.fault = unavailable
        before = (tmp_path / "clip.json").stat().st_mtime_ns
        async with a_core(primary.url, tmp_path, github=github) as core:
            await core.obtain(["clip"])
            assert descriptions(core, "clip") == FROM_PRIMARY
        assert (tmp_path / "clip.json").stat().st_mtime_ns == before


async def test_github_alone_begins_with_the_file_of_an_earlier_run(tmp_path: Path) -> None:
    hub = SomeGithub(clip__json=LEGACY_CLIP)
    async with hub.client() as github:
        async with a_core(None, tmp_path, github=github) as core:
            await core.obtain(["clip"])
        async with a_core(None, tmp_path, github=github, ttl_seconds=0.05) as core:
            await core.obtain(["clip"])
            assert descriptions(core, "clip") == FROM_GITHUB
            assert hub.asked == ["clip.json"]
            await asyncio.sleep(0.06)
            await core.obtain(["clip"])
            assert hub.asked == ["clip.json", "clip.json"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"<html>"])
async def test_a_spoiled_file_on_github_replaces_nothing(tmp_path: Path, body: bytes) -> None:
    hub = SomeGithub(clip__json=LEGACY_CLIP)
    async with hub.client() as github, a_core(None, tmp_path, github=github) as core:
        await core.obtain(["clip"])
        hub.files["clip.json"] = body
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip") == FROM_GITHUB
        await core.settle()
        assert await asyncio.to_thread(DiskCache(tmp_path).read_legacy, "clip") == LEGACY_CLIP


@pytest.mark.skipif(os.getuid() == 0 if hasattr(os, "getuid") else False, reason="root may write everywhere")
async def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o500)
    async with ScriptedPrimary(two_categories()).running() as primary, a_core(primary.url, folder) as core:
        await core.obtain(["clip"])
        assert descriptions(core, "clip") == FROM_PRIMARY


async def test_legacy_documents_come_unchanged_and_outlive_an_outage(tmp_path: Path) -> None:
    hub = SomeGithub(clip__json=LEGACY_CLIP)
    async with hub.client() as github:
        texts = LegacyTexts(None, github, DiskCache(tmp_path), 0.0)
        assert await texts.text("clip") == LEGACY_CLIP.decode()
        hub.files.clear()
        assert await texts.text("clip") == LEGACY_CLIP.decode()
        assert await LegacyTexts(None, github, DiskCache(tmp_path), 0.0).text("clip") == LEGACY_CLIP.decode()
        assert await texts.text("lora") is None


async def test_a_newer_record_of_github_reaches_who_reads_github_alone(tmp_path: Path) -> None:
    hub = SomeGithub(clip__json=LEGACY_CLIP)
    async with hub.client() as github, a_core(None, tmp_path, github=github) as core:
        await core.obtain(["clip"])
        hub.files["clip.json"] = LEGACY_CLIP.replace(b"from GitHub", b"newer")
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip") == {"g": "newer"}


async def silent(_: web.Request) -> None:
    await asyncio.sleep(60)


async def test_while_the_primary_is_silent_one_reader_waits_a_moment_and_the_others_not(
    tmp_path: Path,
) -> None:
    primary = ScriptedPrimary(two_categories())
    patience = Patience(held_wait=1.0, cold_wait=60.0)
    async with primary.running(), a_core(primary.url, tmp_path, ttl_seconds=0.01, patience=patience) as core:
        await core.obtain(["clip"])
        primary.fault = silent
        await asyncio.sleep(0.02)
        await core.obtain(["clip"])
        begun = asyncio.get_running_loop().time()
        for _ in range(5):
            await core.obtain(["clip"])
        assert asyncio.get_running_loop().time() - begun < 2.5, "five waits would take longer"
        assert descriptions(core, "clip") == FROM_PRIMARY


async def test_a_copy_on_the_disk_has_to_do_when_everything_is_silent(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    patience = Patience(held_wait=0.1, cold_wait=0.1)
    async with primary.running():
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(["clip"])
        primary.fault = silent
        async with a_core(primary.url, tmp_path, patience=patience) as core:
            await core.obtain(["clip", "blip"])
            assert descriptions(core, "clip") == FROM_PRIMARY
            assert core.is_known_missing("blip"), "nobody waits for what nobody has, while there is something"


async def test_copies_from_a_bundle_are_followed_up_with_what_changed(tmp_path: Path) -> None:
    names = ["clip", "blip", "esrgan", "gfpgan", "codeformer"]
    primary = ScriptedPrimary({name: {"m": {"name": "m", "record_type": name}} for name in names})
    async with primary.running():
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(names)
        assert primary.asked == ["clip", "bundle"]
        primary.commit({"blip": {"m": {"name": "m", "record_type": "blip", "description": "two"}}})
        primary.asked.clear()
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(["blip", "esrgan"])
            assert descriptions(core, "blip") == {"m": "two"}
            assert core.catalogue.anchored == {"blip", "esrgan"}
        assert set(primary.asked) == {"changes"}


async def test_what_is_first_read_in_an_outage_is_as_the_disk_has_it_and_then_joins_the_rest(
    tmp_path: Path,
) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    async with primary.running():
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(["clip", "blip"])
        primary.commit(two_categories("two"))
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(["blip"])
            primary.fault = unavailable
            await core.obtain(["clip"])
            assert descriptions(core, "clip")["a"] == "one", "better than nothing"
            primary.fault = None
            await core.obtain(["blip"], force=True)
            assert descriptions(core, "clip")["a"] == "two", "whichever is asked for"
            assert core.catalogue.anchored == {"clip", "blip"}
