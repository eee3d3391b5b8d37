"""A replica of a PRIMARY that has documents only."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.contents import a_record
from support.event_streams import listening
from support.old_primaries import V2_ONLY, OldPrimary, old_primary
from support.replicas import Replica, replica_of
from support.served_pasts import V1, V2

LEGACY = b'{\r\n\t"a": {"name": "a"}\r\n}\r\n'


def put_clips(primary: OldPrimary, *names: str, legacy: bytes = LEGACY) -> None:
    primary.put("clip", {name: a_record("clip", name) for name in names}, legacy)


@pytest.fixture
async def primary() -> AsyncIterator[OldPrimary]:
    async with old_primary() as primary:
        put_clips(primary, "a")
        primary.put("blip", {"b": a_record("blip", "b")})
        yield primary


@pytest.fixture
async def replica(primary: OldPrimary, tmp_path: Path) -> AsyncIterator[Replica]:
    async with replica_of(primary.url, tmp_path) as replica:
        await replica.in_step()
        yield replica


async def revision(replica: Replica) -> int:
    return int((await replica.ask(f"{V2}/lora")).headers["X-Revision"])


async def test_every_document_is_served_byte_for_byte(primary: OldPrimary, replica: Replica) -> None:
    for category, body in primary.v2.items():
        assert (await replica.ask(f"{V2}/{category}")).body == body
    for category, body in primary.v1.items():
        assert (await replica.ask(f"{V1}/{category}.json")).body == body
    for path, status in ((f"{V2}/gfpgan", 404), (f"{V1}/gfpgan", 404), (f"{V1}/video_generation", 404)):
        assert (await replica.ask(path)).status == status
    assert (await replica.ask(f"{V1}/lora")).body == b"{}"
    assert (await replica.ask(f"{V1}/diffusers.json")).body == b"{ }\n"


async def test_the_replica_counts_by_itself_what_is_different(primary: OldPrimary, replica: Replica) -> None:
    assert await revision(replica) == 1
    put_clips(primary, "a", "new")
    await replica.has("clip", "a", "new")
    assert await revision(replica) == 2
    put_clips(primary, "a", "new", legacy=b'{"other": {}}')
    await replica.until(f"{V1}/clip", lambda answer: answer.body == b'{"other": {}}')
    assert await revision(replica) == 3


async def test_nothing_new_is_no_new_revision(primary: OldPrimary, replica: Replica) -> None:
    asked = primary.asked["/model_references/v2/clip"]
    await replica.until(f"{V2}/lora", lambda _: primary.asked["/model_references/v2/clip"] > asked + 3)

    assert await revision(replica) == 1
    assert primary.asked["/model_references/v2/bundle"] == 1
    assert primary.asked["/model_references/v2/events"] == 0


async def test_listeners_and_changes_work_with_the_own_count(primary: OldPrimary, replica: Replica) -> None:
    async with listening(replica.client.port) as stream:
        head = await stream.next()
        put_clips(primary, "new")
        committed = await stream.next()

    assert head is not None
    assert committed is not None
    assert (head.name, head.id) == ("catalog.head", 1)
    assert (committed.name, committed.id) == ("catalog.committed", 2)
    changes = await replica.get("/changes?since=1")
    assert changes["categories"] == {
        "clip": {"added": {"new": a_record("clip", "new")}, "changed": {}, "removed": ["a"]}
    }


@pytest.mark.parametrize("gone", ["empty", "missing"])
async def test_records_that_vanish_all_at_once_are_kept(
    primary: OldPrimary, replica: Replica, gone: str
) -> None:
    if gone == "empty":
        primary.put("clip", {})
    else:
        del primary.v2["clip"], primary.v1["clip"]
    put_blips(primary, "b", "c")
    await replica.has("blip", "b", "c")
    await replica.in_step(stale=True)

    assert set(await replica.get("/clip")) == {"a"}
    assert (await replica.ask(f"{V1}/clip")).body == LEGACY
    assert (
        f"clip: what was there is {gone} now" in (await replica.ask("/api/status")).json["store"]["problem"]
    )
    put_clips(primary, "z")
    await replica.has("clip", "z")
    await replica.in_step()


def put_blips(primary: OldPrimary, *names: str) -> None:
    primary.put("blip", {name: a_record("blip", name) for name in names})


async def test_a_category_that_fails_does_not_hold_up_the_others(
    primary: OldPrimary, replica: Replica
) -> None:
    primary.failing["/model_references/v1/clip"] = 500
    put_clips(primary, "z")
    put_blips(primary, "c")

    await replica.has("blip", "c")
    assert set(await replica.get("/clip")) == {"a"}, "the two documents of a category change together"
    await replica.in_step(stale=True)

    primary.failing.clear()
    await replica.has("clip", "z")
    await replica.in_step()


async def test_documents_are_asked_for_with_what_is_known_of_them(tmp_path: Path) -> None:
    async with old_primary() as primary:
        primary.with_etags = True
        put_clips(primary, "a")
        async with replica_of(primary.url, tmp_path) as replica:
            await replica.in_step()
            served = primary.not_modified
            await replica.until(f"{V2}/lora", lambda _: primary.not_modified > served + 10)
            put_clips(primary, "b")
            await replica.has("clip", "b")


async def test_an_old_primary_without_anything_is_not_taken_for_a_catalogue(tmp_path: Path) -> None:
    async with old_primary() as primary, replica_of(primary.url, tmp_path) as replica:
        await replica.until(f"{V2}/clip", lambda _: primary.asked["/model_references/v2/clip"] > 1)
        assert (await replica.ask(f"{V2}/clip")).status == 503
        assert (await replica.ask(f"{V2}/{V2_ONLY[0]}")).status == 503

        put_clips(primary, "a")
        await replica.has("clip", "a")


async def test_the_canonical_format_is_asked_for(tmp_path: Path) -> None:
    async with old_primary() as primary:
        primary.canonical_format = "legacy"
        put_clips(primary, "a")
        async with replica_of(primary.url, tmp_path) as replica:
            await replica.in_step()
            mode = (await replica.ask("/api/replicate_mode")).json

    assert mode["canonical_format"] == "legacy"


async def test_the_count_goes_on_after_a_restart(primary: OldPrimary, tmp_path: Path) -> None:
    async with replica_of(primary.url, tmp_path) as replica:
        await replica.has("clip", "a")
        put_clips(primary, "b")
        await replica.has("clip", "b")
    put_clips(primary, "c")

    async with replica_of(primary.url, tmp_path) as replica:
        await replica.has("clip", "c")
        assert await revision(replica) == 3


async def test_records_of_another_shape_are_served_as_they_are(primary: OldPrimary, replica: Replica) -> None:
    odd = {"odd": {"name": 7, "tags": "none", "colour": {"deep": [1]}, "nsfw": "maybe"}, "empty": {}}
    primary.put("clip", odd)
    primary.put("text_generation", {"x": {"name": "x", "parameters": "many", "text_model_group": 3}})

    await replica.has("clip", "odd", "empty")
    assert (await replica.ask(f"{V2}/clip")).json == odd
    assert (await replica.ask(f"{V2}/clip/search")).status == 200
    assert (await replica.ask(f"{V2}/text_generation/groups/summary")).status == 200
    assert json.loads((await replica.ask(f"{V2}/text_generation")).body)["x"]["parameters"] == "many"
