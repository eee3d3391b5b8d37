"""Loads that end late: they replace nothing newer, and nothing older is seen beside what is new."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from horde_model_reference.replica.replica_core import Patience
from support.replica_cores import PATIENT, a_core, descriptions
from support.scripted_primary import ScriptedPrimary, a_clip, two_categories
from support.some_github import SomeGithub

TAKES_COPIES_SOON = Patience(held_wait=20.0, cold_wait=0.05, behind=0.3)
LEGACY_CLIP = json.dumps(
    {"a": {"name": "a", "type": "clip", "config": {"files": [], "download": []}, "description": "one"}}
).encode()
MANY = ("clip", "blip", "esrgan", "gfpgan", "codeformer", "safety_checker")


class Gate:
    """Holds requests back; `reached` as soon as there is one."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def passed(self) -> None:
        self.reached.set()
        await self.opened.wait()


class GatedGithub(SomeGithub):
    def __init__(self, **files: bytes) -> None:
        super().__init__(**files)
        self.gate = Gate()

    async def answer(self, request: web.Request) -> web.Response:
        await self.gate.passed()
        return await super().answer(request)


async def unavailable(_: web.Request) -> web.Response:
    return web.Response(status=503)


async def leave_copies(primary: ScriptedPrimary, folder: Path) -> None:
    async with a_core(primary.url, folder) as core:
        await core.obtain(["clip", "blip"])


def esrgan(description: str) -> dict[str, Any]:
    return {"esrgan": {"e": {"name": "e", "record_type": "esrgan", "description": description}}}


def every_category(description: str) -> dict[str, Any]:
    return {name: {"m": {"name": "m", "record_type": name, "description": description}} for name in MANY}


@pytest.mark.parametrize("github_has_it", [False, True])
@pytest.mark.parametrize("copy_was_read", [False, True])
async def test_what_comes_from_below_after_the_primary_is_back_replaces_nothing_newer(
    tmp_path: Path, copy_was_read: bool, github_has_it: bool
) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    hub = GatedGithub(**{"clip__json": LEGACY_CLIP} if github_has_it else {})
    async with primary.running(), hub.client() as github:
        await leave_copies(primary, tmp_path)
        primary.fault = unavailable
        async with a_core(primary.url, tmp_path, github=github, patience=TAKES_COPIES_SOON) as core:
            late = core.begin("clip")
            await hub.gate.reached.wait()
            if copy_was_read:
                await core.obtain(["clip"])
                assert descriptions(core, "clip")["a"] == "one"
            primary.commit(two_categories("two"))
            primary.fault = None
            await core.obtain(["blip"])
            hub.gate.opened.set()
            await late
            assert descriptions(core, "blip") == {"c": "two"}
            assert descriptions(core, "clip")["a"] == "two"
            assert core.catalogue.anchored == {"clip", "blip"}


async def test_a_copy_that_is_taken_during_the_first_contact_comes_along(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories("one") | esrgan("one"))
    blip, clip = Gate(), Gate()

    async def hold_back(request: web.Request) -> None:
        gate = {"blip": blip, "clip": clip}.get(request.path.rpartition("/")[2])
        if gate is not None and not gate.reached.is_set():
            await gate.passed()

    async with primary.running():
        await leave_copies(primary, tmp_path)
        primary.fault = unavailable
        async with a_core(primary.url, tmp_path, patience=TAKES_COPIES_SOON) as core:
            await core.begin("blip")
            primary.commit(two_categories("two") | esrgan("two"))
            primary.fault = hold_back
            contact = core.begin("esrgan")
            await blip.reached.wait()
            await core.obtain(["clip"])
            assert descriptions(core, "clip")["a"] == "one"
            blip.opened.set()
            await contact
            found = [descriptions(core, "blip")["c"], descriptions(core, "clip")["a"]]
            clip.opened.set()
            assert found == ["two", "two"]


async def test_a_bundle_that_waited_for_a_newer_revision_takes_nothing_back(tmp_path: Path) -> None:
    primary = ScriptedPrimary(every_category("one"))
    bundle, changes = Gate(), Gate()

    async def hold_back(request: web.Request) -> web.Response | None:
        path = request.path.rpartition("/")[2]
        if path == "bundle":
            answer = {"revision": primary.head, "v2": primary.pasts[-1], "side_data": {}, "metadata": {}}
            await bundle.passed()
            return web.json_response(answer)
        if path == "changes":
            await changes.passed()
        return None

    async with primary.running(), a_core(primary.url, tmp_path, patience=PATIENT) as core:
        await core.obtain(["clip"])
        primary.fault = hold_back
        loading = asyncio.create_task(core.obtain(MANY[1:]))
        await bundle.reached.wait()
        primary.commit({"clip": {"m": a_clip("m", "two")}})
        advancing = asyncio.create_task(core.advance())
        await changes.reached.wait()
        bundle.opened.set()
        await asyncio.sleep(0.2)  # time to get into the queue; who comes later meets no doubt at all
        changes.opened.set()
        await advancing
        await loading
        assert descriptions(core, "clip") == {"m": "two"}
        assert core.catalogue.revision == 2
        assert core.catalogue.anchored == set(MANY)
