"""What a replica holds, against a PRIMARY that a test scripts."""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from horde_model_reference.replica.disk_cache import DiskCache
from horde_model_reference.replica.replica_core import Patience, ReplicaCore
from support.event_listeners import eventually
from support.replica_cores import BEHIND_SECONDS, IMPATIENT, a_core, descriptions
from support.scripted_primary import ScriptedPrimary, a_blip, a_clip, two_categories


async def unavailable(_: web.Request) -> web.Response:
    return web.Response(status=503)


async def test_one_category_is_one_request(tmp_path: Path) -> None:
    async with ScriptedPrimary(two_categories()).running() as primary, a_core(primary.url, tmp_path) as core:
        await core.obtain(["clip"])
        assert primary.asked == ["clip"]
        assert core.fresh("clip") is not None
        assert core.fresh("blip") is None


async def test_many_categories_come_in_one_bundle(tmp_path: Path) -> None:
    names = ["clip", "blip", "esrgan", "gfpgan", "codeformer", "miscellaneous"]
    documents = {name: {"m": {"name": "m", "record_type": name}} for name in names}
    async with ScriptedPrimary(documents).running() as primary, a_core(primary.url, tmp_path) as core:
        await core.obtain(names)
        assert primary.asked == ["clip", "bundle"]
        assert all(core.fresh(name) for name in names)


async def test_many_readers_cause_one_request(tmp_path: Path) -> None:
    async with ScriptedPrimary(two_categories()).running() as primary, a_core(primary.url, tmp_path) as core:
        await asyncio.gather(*(core.obtain(["clip"]) for _ in range(10)))
        assert primary.asked == ["clip"]


async def test_a_forced_read_during_a_load_sees_what_was_changed_before_it(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories(), knows_revisions=False)
    held_up, go_on = asyncio.Event(), asyncio.Event()

    async def slow_once(request: web.Request) -> web.Response | None:
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
        forced = asyncio.create_task(core.obtain(["clip"], force=True))
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(first, forced)
        assert descriptions(core, "clip") == {"a": "two"}


async def test_old_kind_is_asked_conditionally_after_the_ttl(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories(), knows_revisions=False)
    async with primary.running(), a_core(primary.url, tmp_path, ttl_seconds=0.05) as core:
        await core.obtain(["clip"])
        await asyncio.sleep(0.06)
        await core.obtain(["clip"])
        assert primary.asked == ["clip", "clip"]
        assert primary.etags_seen[0] is None
        assert primary.etags_seen[1] is not None
        assert not core.catalogue.entries["clip"].anchored


async def test_refreshing_everything_of_our_kind_is_one_small_request(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    async with primary.running(), a_core(primary.url, tmp_path, ttl_seconds=0.05) as core:
        await core.obtain(["clip", "blip"])
        await asyncio.sleep(0.06)
        primary.asked.clear()
        await core.obtain(["clip", "blip"])
        assert primary.asked == ["changes"]


async def test_a_category_of_a_later_revision_brings_the_others_along(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    async with primary.running(), a_core(primary.url, tmp_path) as core:
        await core.obtain(["clip"])
        primary.commit(two_categories("two"))
        await core.obtain(["blip"])
        assert descriptions(core, "blip")["c"] == "two"
        assert descriptions(core, "clip")["a"] == "two"
        assert core.catalogue.revision == 2


async def test_without_changes_the_others_are_loaded_at_the_same_revision(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    primary.offers_changes = False
    async with primary.running(), a_core(primary.url, tmp_path) as core:
        await core.obtain(["clip"])
        primary.commit(two_categories("two"))
        await core.obtain(["blip"])
        assert descriptions(core, "clip")["a"] == "two"
        assert core.catalogue.anchored == {"clip", "blip"}


async def test_changes_add_change_and_remove_records_and_keep_the_others_as_they_are(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    async with primary.running(), a_core(primary.url, tmp_path) as core:
        await core.obtain(["clip"])
        unchanged = core.catalogue.entries["clip"].records["b"]
        primary.commit({"clip": {"b": a_clip("b"), "d": a_clip("d", "new")}})
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip") == {"b": "one", "d": "new"}
        assert core.catalogue.entries["clip"].records["b"] is unchanged
        assert core.catalogue.entries["clip"].raw.value() == primary.pasts[-1]["clip"]


async def test_a_record_whose_name_is_not_its_key_is_changed_and_removed(tmp_path: Path) -> None:
    primary = ScriptedPrimary({"clip": {"key": a_clip("name", "one"), "other": a_clip("other")}})
    async with primary.running(), a_core(primary.url, tmp_path) as core:
        await core.obtain(["clip"])
        primary.commit({"clip": {"key": a_clip("name", "two"), "other": a_clip("other")}})
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip") == {"other": "one", "name": "two"}
        primary.commit({"clip": {"other": a_clip("other")}})
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip") == {"other": "one"}


@pytest.mark.parametrize("knows_revisions", [True, False])
async def test_an_outage_costs_nothing_and_ends_by_itself(tmp_path: Path, knows_revisions: bool) -> None:
    primary = ScriptedPrimary(two_categories(), knows_revisions=knows_revisions)
    async with primary.running(), a_core(primary.url, tmp_path, ttl_seconds=0.05) as core:
        await core.obtain(["clip"])
        primary.fault = unavailable
        await asyncio.sleep(0.06)
        await core.obtain(["clip"])
        assert descriptions(core, "clip") == {"a": "one", "b": "one"}
        primary.fault = None
        primary.commit({"clip": {"a": a_clip("a", "two")}})

        async with asyncio.timeout(60):
            while descriptions(core, "clip") != {"a": "two"}:
                await asyncio.sleep(0.02)
                await core.obtain(["clip"])


async def test_who_has_data_does_not_wait_for_a_slow_primary(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    release = asyncio.Event()

    async def hanging(_: web.Request) -> None:
        await release.wait()

    async with primary.running(), a_core(primary.url, tmp_path, ttl_seconds=0.01, patience=IMPATIENT) as core:
        await core.obtain(["clip"])
        primary.commit(two_categories("two"))
        primary.fault = hanging
        await asyncio.sleep(0.02)
        await core.obtain(["clip"])
        assert descriptions(core, "clip")["a"] == "one"
        release.set()
        await eventually(lambda: descriptions(core, "clip")["a"] == "two")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"detail": "maintenance"}', b"<html>", b'{"a": {"nsfw": "x", "name": 1}}']
)
async def test_nonsense_replaces_nothing(tmp_path: Path, body: bytes) -> None:
    primary = ScriptedPrimary(two_categories(), knows_revisions=False)

    async def nonsense(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async with primary.running(), a_core(primary.url, tmp_path) as core:
        await core.obtain(["clip"])
        await core.settle()
        primary.fault = nonsense
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip") == {"a": "one", "b": "one"}
        assert json.loads((tmp_path / "clip.json").read_bytes()) == primary.pasts[0]["clip"]


async def test_a_start_during_an_outage_reads_the_disk_and_recovers(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    async with primary.running():
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(["clip"])
        primary.fault = unavailable
        async with a_core(primary.url, tmp_path, ttl_seconds=0.05) as core:
            await core.obtain(["clip", "blip"])
            assert descriptions(core, "clip") == {"a": "one", "b": "one"}
            assert "blip" not in core.catalogue.entries
            primary.fault = None
            await core.obtain(["clip", "blip"], force=True)
            assert core.catalogue.anchored == {"clip", "blip"}


async def test_a_restart_transports_nothing_that_the_disk_has(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    async with primary.running():
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(["clip"])
        primary.etags_seen.clear()
        async with a_core(primary.url, tmp_path) as core:
            await core.obtain(["clip"])
            assert primary.etags_seen[0] is not None
            assert descriptions(core, "clip") == {"a": "one", "b": "one"}


async def test_changes_reach_the_disk(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories())
    async with primary.running(), a_core(primary.url, tmp_path) as core:
        await core.obtain(["clip"])
        primary.commit({"clip": {"a": a_clip("a", "two")}})
        await core.obtain(["clip"], force=True)
        await core.settle()
        copy = await asyncio.to_thread(DiskCache(tmp_path).read, "clip")
        assert copy is not None
        assert copy.value == primary.pasts[-1]["clip"]
        assert copy.revision == 2


async def test_an_instance_that_lags_behind_takes_nothing_back(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    async with primary.running(), a_core(primary.url, tmp_path) as core:
        primary.commit(two_categories("two"))
        await core.obtain(["clip"])
        newest = primary.pasts.pop()
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip")["a"] == "two"
        primary.pasts.append(newest)
        await core.obtain(["clip", "blip"], force=True)
        assert descriptions(core, "blip")["c"] == "two"


async def test_a_journal_that_was_begun_anew_is_followed_after_a_while(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    async with primary.running(), a_core(primary.url, tmp_path) as core:
        primary.commit(two_categories("two"))
        await core.obtain(["clip"])
        primary.pasts = [two_categories("new")]
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip")["a"] == "two"
        await asyncio.sleep(BEHIND_SECONDS + 0.05)
        await core.obtain(["clip"], force=True)
        assert descriptions(core, "clip")["a"] == "new"
        assert core.catalogue.revision == 1


async def test_the_feed_brings_changes_without_a_read(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    told: list[str] = []
    async with (
        primary.running(),
        a_core(primary.url, tmp_path, ttl_seconds=0.01, follow_feed=True, told=told) as core,
    ):
        await core.obtain(["clip", "blip"])
        await eventually(lambda: primary.listeners == 1)
        await eventually(lambda: core.fresh("clip") is not None)
        primary.commit(two_categories("two"))
        await eventually(lambda: descriptions(core, "clip")["a"] == "two")
        assert descriptions(core, "blip")["c"] == "two"
        await eventually(lambda: sorted(told) == ["blip", "clip"])
        assert core.fresh("clip") is not None, "nothing expires while the feed lives"


async def test_a_revision_that_touches_nothing_held_costs_no_request(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    async with primary.running(), a_core(primary.url, tmp_path, follow_feed=True) as core:
        await core.obtain(["clip"])
        await eventually(lambda: "changes" in primary.asked)
        await asyncio.sleep(0.05)
        primary.asked.clear()
        primary.commit({"blip": {"c": a_blip("c", "two")}})
        await eventually(lambda: core.catalogue.revision == 2)
        assert primary.asked == []


async def test_the_feed_comes_back_after_its_end_and_nothing_is_missed(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    async with primary.running(), a_core(primary.url, tmp_path, follow_feed=True) as core:
        await core.obtain(["clip"])
        await eventually(lambda: primary.listeners == 1)
        primary.end_streams()
        await eventually(lambda: primary.listeners == 0)
        primary.commit(two_categories("two"))
        await eventually(lambda: descriptions(core, "clip")["a"] == "two")


async def test_without_the_feed_the_ttl_counts(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    primary.offers_events = False
    async with primary.running(), a_core(primary.url, tmp_path, ttl_seconds=0.05, follow_feed=True) as core:
        await core.obtain(["clip"])
        await eventually(lambda: "events" in primary.asked)
        primary.commit(two_categories("two"))
        await eventually(lambda: core.fresh("clip") is None)
        await core.obtain(["clip"])
        assert descriptions(core, "clip")["a"] == "two"


async def test_a_primary_that_is_gone_for_long_gives_way(tmp_path: Path) -> None:
    primary = ScriptedPrimary(two_categories("one"))
    patience = Patience(held_wait=0.05, kept=0.0, behind=1.0)
    async with primary.running(), a_core(primary.url, tmp_path, ttl_seconds=0.02, patience=patience) as core:
        await core.obtain(["clip"])
        primary.fault = unavailable
        await asyncio.sleep(0.03)
        await core.obtain(["clip"])
        await eventually(lambda: not core.catalogue.anchored)
        assert descriptions(core, "clip")["a"] == "one", "without GitHub nothing is better"


CATEGORIES = st.sampled_from(["clip", "blip"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["commit", "lag", "break", "mend"]), st.none()),
        st.tuples(st.sampled_from(["read", "force"]), CATEGORIES),
    ),
    max_size=14,
)


async def take(step: str, category: str | None, primary: ScriptedPrimary, core: ReplicaCore) -> None:
    match step:
        case "commit":
            primary.commit(two_categories(str(primary.head + 1)))
        case "break":
            primary.fault = unavailable
        case "mend":
            primary.fault = None
            primary.offers_changes = not primary.offers_changes
        case "lag" if primary.head > 1:
            hidden = primary.pasts.pop()
            await core.obtain(["clip", "blip"], force=True)
            primary.pasts.append(hidden)
        case "read" | "force":
            await core.obtain([category or "clip"], force=step == "force")
        case _:
            pass


def held_numbers(core: ReplicaCore) -> set[int]:
    found = descriptions(core, "clip").get("a"), descriptions(core, "blip").get("c")
    return {int(text) for text in found if text is not None}


@given(steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_two_records_that_change_together_are_never_seen_apart(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str | None]]
) -> None:
    primary = ScriptedPrimary(two_categories("1"))
    seen = 0
    async with (
        primary.running(),
        a_core(primary.url, tmp_path_factory.mktemp("copies"), ttl_seconds=0.0) as core,
    ):
        for step, category in steps:
            await take(step, category, primary, core)
            held = held_numbers(core)
            assert len(held) <= 1
            assert min(held, default=seen) >= seen
            seen = max(held, default=seen)
        primary.fault = None
        await core.obtain(["clip", "blip"], force=True)
        assert held_numbers(core) == {primary.head}
