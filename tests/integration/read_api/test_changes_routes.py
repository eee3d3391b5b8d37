"""What differs between revisions, and bundles."""

import gzip
import json
from collections.abc import AsyncIterator

import pytest

from registry.catalogue import SideData
from support.contents import a_record
from support.histories import Past
from support.served_pasts import V1, V2, ServedPast, served

LEGACY = b'{\r\n\t"a": {"name": "a"}\r\n}\r\n'
FIRST = {name: a_record("clip", name) for name in ("a", "b", "c")}
SECOND = {"a": FIRST["a"], "c": a_record("clip", "c", description="word " * 500), "d": a_record("clip", "d")}
BLIP = {"blip": a_record("blip", "blip")}


@pytest.fixture
async def world() -> AsyncIterator[ServedPast]:
    """Serve: 1 clip, 2 clip edited, 3 blip added with aliases."""
    past = Past()
    await past.seed({"clip": FIRST}, legacy={"clip": LEGACY})
    await past.apply({"clip": SECOND})
    side_data = SideData(aliases={"one": ("other",)}, families={"f": ("one",)})
    await past.seed({"clip": SECOND, "blip": BLIP}, legacy={"clip": LEGACY}, side_data=side_data)
    async with served(past) as world:
        yield world


async def test_the_changes_are_the_new_records_and_what_is_gone(world: ServedPast) -> None:
    told = await world.get("/changes?since=1")

    assert told == {
        "from": 1,
        "to": 3,
        "categories": {
            "blip": {"added": BLIP, "changed": {}, "removed": []},
            "clip": {"added": {"d": SECOND["d"]}, "changed": {"c": SECOND["c"]}, "removed": ["b"]},
        },
    }


async def test_since_the_beginning_everything_is_new(world: ServedPast) -> None:
    told = await world.get("/changes?since=0")

    assert {name: category["added"] for name, category in told["categories"].items()} == {
        "blip": BLIP,
        "clip": SECOND,
    }


async def test_nothing_is_new_since_the_newest(world: ServedPast) -> None:
    assert await world.get("/changes?since=3") == {"from": 3, "to": 3, "categories": {}}


async def test_the_changes_lead_from_any_document_to_any_later_one(world: ServedPast) -> None:
    for start in range(4):
        for end in range(start, 4):
            told = await world.get(f"/changes?since={start}&to={end}")
            for category in ("clip", "blip"):
                reached = await documents_at(world, category, start)
                changes = told["categories"].get(category, {"added": {}, "changed": {}, "removed": []})
                reached |= {**changes["changed"], **changes["added"]}
                for name in changes["removed"]:
                    del reached[name]
                assert reached == await documents_at(world, category, end)


async def documents_at(world: ServedPast, category: str, revision: int) -> dict[str, object]:
    answer = await world.ask(f"{V2}/{category}?revision={revision}")
    return dict(answer.json) if answer.status == 200 else {}


async def test_changes_to_the_newest_are_revalidated_others_never_change(world: ServedPast) -> None:
    moving = await world.ask(f"{V2}/changes?since=1")
    fixed = await world.ask(f"{V2}/changes?since=1&to=3")

    assert moving.headers["Cache-Control"].startswith("no-cache")
    assert "immutable" in fixed.headers["Cache-Control"]
    assert moving.body == fixed.body
    again = await world.ask(f"{V2}/changes?since=1", headers={"If-None-Match": moving.headers["ETag"]})
    assert again.status == 304


async def test_after_a_new_revision_the_changes_are_others(world: ServedPast) -> None:
    tag = (await world.ask(f"{V2}/changes?since=3")).headers["ETag"]
    await world.past.apply({"clip": FIRST, "blip": BLIP})
    await world.reached()

    answer = await world.ask(f"{V2}/changes?since=3", headers={"If-None-Match": tag})

    assert answer.status == 200
    assert answer.json["to"] == 4
    assert list(answer.json["categories"]["clip"]["added"]) == ["b"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("changes?since=4", 404),
        ("changes?since=1&to=4", 404),
        ("changes", 422),
        ("changes?since=x", 422),
        ("changes?since=-1", 422),
        ("diff?from=1", 422),
        ("diff?to=1", 422),
        ("diff?from=1&to=99999999999999999999", 422),
        ("diff?from=1&to=4", 404),
        ("diff?from=4&to=1", 404),
        ("bundle?include_v1=perhaps", 422),
    ],
)
async def test_revisions_that_do_not_exist_and_garbage_are_refused(
    world: ServedPast, query: str, status: int
) -> None:
    answer = await world.ask(f"{V2}/{query}")

    assert answer.status == status
    assert "detail" in answer.json


async def test_a_difference_is_told_field_by_field(world: ServedPast) -> None:
    told = await world.get("/diff?from=1&to=2")

    clip = told["categories"]["clip"]
    assert (told["from"], told["to"]) == (1, 2)
    assert (clip["added"], clip["removed"]) == (["d"], ["b"])
    (modified,) = clip["modified"]
    assert modified["name"] == "c"
    assert [one["field_path"] for one in modified["fields"]] == ["description"]


async def test_a_difference_can_be_told_backwards(world: ServedPast) -> None:
    clip = (await world.get("/diff?from=2&to=1"))["categories"]["clip"]

    assert (clip["added"], clip["removed"]) == (["b"], ["d"])


async def test_a_difference_never_changes_and_travels_compressed(world: ServedPast) -> None:
    packed = await world.ask(f"{V2}/diff?from=0&to=3", headers={"Accept-Encoding": "gzip"})
    large = await world.ask(f"{V2}/changes?since=0&to=3", headers={"Accept-Encoding": "gzip"})

    assert "immutable" in packed.headers["Cache-Control"]
    assert packed.headers["X-Revision"] == "3"
    assert large.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(large.body))["to"] == 3


async def test_a_bundle_holds_everything_of_the_newest_revision(world: ServedPast) -> None:
    told = await world.get("/bundle")

    assert (told["revision"], told["sequence"]) == (3, world.past.state.catalogue_sequence)
    assert told["v2"]["clip"] == SECOND
    assert told["v2"]["lora"] == {}
    assert told["side_data"] == {
        "aliases": {"one": ["other"]},
        "families": {"f": ["one"]},
        "name_schemas": {},
    }
    assert told["metadata"]["v2"] == await world.get("/metadata/metadata")
    assert "v1" not in told


async def test_a_bundle_can_hold_the_very_bytes_of_v1(world: ServedPast) -> None:
    told = await world.get("/bundle?include_v1=true")

    assert told["v1"]["clip"].encode() == (await world.ask(f"{V1}/clip")).body == LEGACY


async def test_a_bundle_is_revalidated_and_new_with_a_revision(world: ServedPast) -> None:
    first = await world.ask(f"{V2}/bundle", headers={"Accept-Encoding": "gzip"})
    conditional = {"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]}
    assert first.headers["Content-Encoding"] == "gzip"
    assert (await world.ask(f"{V2}/bundle", headers=conditional)).status == 304

    await world.past.apply({"clip": FIRST, "blip": BLIP})
    await world.reached()

    second = await world.ask(f"{V2}/bundle", headers=conditional)
    assert second.status == 200
    assert json.loads(gzip.decompress(second.body))["revision"] == 4
