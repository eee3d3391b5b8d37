"""What a replica holds through restarts, lags, silent listeners and servers that change their kind."""

import asyncio
import json
import threading
from pathlib import Path

import pytest
from aiohttp import web

from horde_model_reference.replica.disk_cache import DiskCache
from horde_model_reference.replica.legacy_texts import LegacyTexts
from support.event_listeners import eventually
from support.replica_cores import BEHIND_SECONDS, a_core, descriptions
from support.scripted_primary import ScriptedPrimary, a_blip, a_clip, two_categories
from support.some_github import SomeGithub

LEGACY_CLIP = json.dumps(
    {"g": {"name": "g", "type": "clip", "config": {"files": [], "download": []}, "description": "one"}}
).encode()


async def copy_on_disk(folder: Path, category: str = "clip") -> object:
    copy = await asyncio.to_thread(DiskCache(folder).read, category)
    return None if copy is None else copy.value


@pytest.mark.parametrize("changed_before", [True, False])
async def test_changes_reach_the_disk_also_after_a_restart(tmp_path: Path, changed_before: bool) -> None:
    primary = ScriptedPrimary(two_categories())
    async with primary.running():
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(["clip"])
            if changed_before:
                primary.commit({"clip": {"a": a_clip("a", "one and a half")}})
                await core.obtain(["clip"], force=True)
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(["clip"])
            primary.commit({"clip": {"a": a_clip("a", "two")}})
            await core.obtain(["clip"], force=True)
            await core.settle()
            assert await copy_on_disk(tmp_path) == primary.pasts[-1]["clip"]


async def test_a_copy_that_was_followed_up_is_no_copy_of_its_old_revision(tmp_path: Path) -> None:
    primary = ScriptedPrimary({"clip": {"a": a_clip("a")}})
    async with primary.running():
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(["clip"])
            primary.commit({"clip": {"a": a_clip("a", "two")}})
            await core.obtain(["clip"], force=True)
        primary.commit({"clip": {"a": a_clip("a", "two"), "b": a_clip("b")}})
        async with a_core(primary.url, tmp_path) as core, a_core(primary.url, tmp_path) as child:
            await core.obtain(["clip"])
            assert set(descriptions(core, "clip")) == {"a", "b"}
            primary.commit({"clip": {"a": a_clip("a", "two")}})
            child.take_over(core)
            await child.obtain(["clip"])
            assert set(descriptions(child, "clip")) == {"a"}


async def test_an_instance_that_lags_again_much_later_takes_nothing_back(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    async with primary.running(), a_core(primary.url, tmp_path) as core:
        primary.commit(two_categories("two"))
        await core.obtain(["clip"])
        newest = primary.pasts.pop()
        await core.obtain(["clip"], force=True)
        primary.pasts.append(newest)
        await core.obtain(["clip"], force=True)
        await asyncio.sleep(BEHIND_SECONDS + 0.05)  # longer than an instance may be behind
        primary.pasts.pop()
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip")["a"] == "two"


async def test_many_changes_do_not_pile_up(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    async with primary.running(), a_core(primary.url, tmp_path) as core:
        await core.obtain(["clip"])
        for number in range(5):
            primary.commit({"clip": {"a": a_clip("a", str(number))}})
            await core.obtain(["clip"], force=True)
            await core.settle()
        assert core.catalogue.entries["clip"].raw.changes == ()
        assert core.catalogue.entries["clip"].raw.value() == primary.pasts[-1]["clip"]
        assert descriptions(core, "clip") == {"a": "4"}


async def test_listeners_that_read_do_not_take_the_threads_that_reading_needs(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    go_on, heard = threading.Event(), list[str]()

    class Told(list[str]):
        def append(self, category: str) -> None:
            assert go_on.wait(100)
            heard.append(category)

    async with primary.running(), a_core(primary.url, tmp_path, told=Told()) as core:
        await core.obtain(["clip", "blip"])
        for number in range(40):
            primary.commit(two_categories(str(number)))
            await core.obtain(["clip"], force=True)
        async with asyncio.timeout(60):  # one listener at a time, so that there are threads left
            await asyncio.gather(*(asyncio.to_thread(int) for _ in range(3)))
        go_on.set()
        await eventually(lambda: {"clip", "blip"} <= set(heard))
        assert len(heard) <= 6, "what changed again before its turn is told once"


async def test_what_is_marked_stale_during_a_load_is_looked_for_again(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories(), knows_revisions=False)
    held_up, go_on = asyncio.Event(), asyncio.Event()

    async def slow_once(_: web.Request) -> web.Response:
        primary.fault = None
        answer = web.json_response(primary.pasts[-1]["clip"])
        held_up.set()
        await go_on.wait()
        return answer

    async with primary.running(), a_core(primary.url, tmp_path) as core:
        primary.fault = slow_once
        first = asyncio.create_task(core.obtain(["clip"]))
        await held_up.wait()
        primary.commit({"clip": {"a": a_clip("a", "two")}})
        core.expire("clip")
        go_on.set()
        await first
        await core.obtain(["clip"])
        assert descriptions(core, "clip") == {"a": "two"}


async def test_a_server_that_goes_back_to_the_old_kind_and_lacks_a_category_is_followed(
    tmp_path: Path,
) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    async with primary.running(), a_core(primary.url, tmp_path) as core:
        await core.obtain(["clip", "blip"])
        primary.knows_revisions = False
        primary.pasts.append({"clip": {"a": a_clip("a", "two")}})
        await core.obtain(["clip"], force=True)
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip") == {"a": "two"}
        assert descriptions(core, "blip") == {"c": "one"}, "what is not there any more is kept"
        primary.knows_revisions = True
        primary.commit({"clip": {"a": a_clip("a", "three")}, "blip": {"c": a_blip("c", "three")}})
        await core.obtain(["clip", "blip"], force=True)
        assert descriptions(core, "clip") == {"a": "three"}
        assert descriptions(core, "blip") == {"c": "three"}
        assert core.catalogue.anchored == {"clip", "blip"}


async def test_a_forced_first_read_of_github_takes_no_file_of_an_earlier_run(tmp_path: Path) -> None:
    hub = SomeGithub(clip__json=LEGACY_CLIP)
    async with hub.client() as github:
        async with a_core(None, tmp_path, github=github) as core:
            await core.obtain(["clip"])
        hub.files["clip.json"] = LEGACY_CLIP.replace(b"one", b"two")
        async with a_core(None, tmp_path, github=github) as core:
            await core.obtain(["clip"], force=True)
            assert descriptions(core, "clip") == {"g": "two"}


async def test_a_reader_who_gives_up_while_copies_are_written_costs_no_copy(tmp_path: Path) -> None:
    names = ["clip", "blip", "esrgan", "gfpgan", "codeformer", "miscellaneous"]
    primary = ScriptedPrimary({name: {"m": {"name": "m", "record_type": name}} for name in names})
    async with primary.running(), a_core(primary.url, tmp_path) as core:
        await core.obtain(names)
        settling = asyncio.create_task(core.settle())
        for _ in range(3):
            await asyncio.sleep(0)
        settling.cancel()
        await asyncio.wait({settling})
        await core.settle()
        for name in names:
            assert await copy_on_disk(tmp_path, name) == primary.pasts[-1][name]


async def test_what_could_not_be_written_is_written_with_the_next_change(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    folder = tmp_path / "copies"
    folder.write_text("in the way")
    async with primary.running(), a_core(primary.url, folder) as core:
        await core.obtain(["clip", "blip"])
        await core.settle()
        folder.unlink()
        primary.commit({"clip": {"a": a_clip("a", "two")}})
        await core.obtain(["clip"], force=True)
        await core.settle()
        assert await copy_on_disk(folder, "clip") == primary.pasts[-1]["clip"]
        assert await copy_on_disk(folder, "blip") == primary.pasts[-1]["blip"]


async def test_a_bundle_with_a_text_that_is_no_unicode_costs_nothing_else(tmp_path: Path) -> None:
    names = ["clip", "blip", "esrgan", "gfpgan", "codeformer", "miscellaneous"]
    primary = ScriptedPrimary({name: {"m": {"name": "m", "record_type": name}} for name in names})
    primary.pasts[-1]["gfpgan"]["odd"] = {"name": "odd", "record_type": "gfpgan", "description": "\ud800"}
    async with primary.running(), a_core(primary.url, tmp_path) as core:
        await core.obtain(names)
        assert primary.asked == ["clip", "bundle"]
        assert set(descriptions(core, "gfpgan")) == {"m", "odd"}
        primary.commit({"blip": {"odd": {"name": "odd", "record_type": "blip", "description": "\ud800"}}})
        await core.obtain(["blip"], force=True)
        assert set(core.catalogue.entries["blip"].raw.value()) == {"odd"}
        await core.settle()


async def test_legacy_documents_are_not_asked_for_at_every_read_of_an_outage(tmp_path: Path) -> None:
    hub = SomeGithub(clip__json=LEGACY_CLIP)
    async with hub.client() as github:
        texts = LegacyTexts(None, github, DiskCache(tmp_path), 0.05)
        assert await texts.text("clip") == LEGACY_CLIP.decode()
        assert await texts.text("blip") is None
        assert await texts.text("blip") is None
        assert hub.asked == ["clip.json", "blip.json"]
        assert await texts.text("blip", anew=True) is None
        assert hub.asked == ["clip.json", "blip.json", "blip.json"]


async def test_after_the_end_nothing_is_followed_any_more(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    held_up, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> None:
        held_up.set()
        await go_on.wait()

    async with primary.running():
        async with a_core(primary.url, tmp_path, follow_feed=True) as core:
            primary.fault = slow
            reading = asyncio.create_task(core.obtain(["clip"]))
            await held_up.wait()
        go_on.set()
        await asyncio.wait({reading})
        await asyncio.sleep(0.6)
        assert "events" not in primary.asked
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "change feed"]


async def test_what_a_bundle_lacks_does_not_cost_another_bundle(tmp_path: Path) -> None:
    lacking = ["esrgan", "gfpgan", "codeformer", "miscellaneous", "safety_checker"]
    primary = ScriptedPrimary(two_categories())
    async with primary.running(), a_core(primary.url, tmp_path, ttl_seconds=0.05) as core:
        await core.obtain(["clip", "blip", *lacking])
        assert primary.asked.count("bundle") == 1
        await asyncio.sleep(0.11)
        await core.obtain(["clip", "blip", *lacking])
        assert primary.asked.count("bundle") == 1
        assert primary.asked.count("esrgan") == 2
