"""Revisions, and the versions of single models."""

from collections.abc import AsyncIterator

import pytest
from yarl import URL

from registry.catalogue import SideData
from support.contents import a_record
from support.histories import Past
from support.served_pasts import V2, ServedPast, served

FIRST = {"ViT-L/14": a_record("clip", "ViT-L/14"), "other": a_record("clip", "other")}
EDITED = {**FIRST, "ViT-L/14": a_record("clip", "ViT-L/14", description="better")}
WITHOUT = {"other": FIRST["other"]}
HISTORY = "/clip/model/ViT-L%2F14/history"


@pytest.fixture
async def past() -> Past:
    """Return: 1 seeded, 2 edited, 3 group data, 4 deleted, 5 rolled back to 1."""
    past = Past()
    await past.seed({"clip": FIRST})
    await past.apply({"clip": EDITED})
    await past.change_group_data(SideData(aliases={"a": ("b",)}))
    await past.apply({"clip": WITHOUT})
    await past.roll_back(1, {"clip": FIRST})
    return past


@pytest.fixture
async def world(past: Past) -> AsyncIterator[ServedPast]:
    async with served(past) as world:
        yield world


async def test_revisions_are_listed_newest_first(world: ServedPast) -> None:
    told = await world.get("/revisions")

    assert [one["revision"] for one in told["revisions"]] == [5, 4, 3, 2, 1]
    assert [one["kind"] for one in told["revisions"]] == [
        "rolled_back",
        "applied",
        "group_data_changed",
        "applied",
        "seeded",
    ]
    assert (told["next_before"], told["head"]) == (None, 5)
    assert told["revisions"][0]["rolled_back_to"] == 1
    assert told["revisions"][2]["categories"] == {}
    assert told["revisions"][4]["categories"] == {"clip": {"created": 2, "updated": 0, "deleted": 0}}


async def test_a_revision_names_its_changes_and_who_proposed_and_approved_them(world: ServedPast) -> None:
    (change,) = (await world.get("/revisions/2"))["changes"]

    assert change == {
        "change_id": 1,
        "category": "clip",
        "model_name": "ViT-L/14",
        "operation": "update",
        "batch_id": 1,
        "batch_title": "Tidy up",
        "proposed": {"user_id": "12", "username": "Pat#12", "at": change["proposed"]["at"]},
        "approved": {"user_id": "34", "username": "Ash#34", "at": change["approved"]["at"]},
    }
    assert change["approved"]["at"] - change["proposed"]["at"] == 60


async def test_a_list_names_the_first_changes_of_a_batch_and_the_revision_more_of_them() -> None:
    past = Past()
    await past.apply({"clip": {f"m{number}": a_record("clip", f"m{number}") for number in range(60)}})

    async with served(past) as world:
        listed = (await world.get("/revisions"))["revisions"][0]
        alone = await world.get("/revisions/1")

    assert [one["change_id"] for one in listed["changes"]] == list(range(1, 51))
    assert len(alone["changes"]) == listed["changes_total"] == alone["changes_total"] == 60


async def test_pages_of_revisions_hang_together(world: ServedPast) -> None:
    seen: list[int] = []
    before = ""
    while True:
        told = await world.get(f"/revisions?limit=2{before}")
        seen += [one["revision"] for one in told["revisions"]]
        if told["next_before"] is None:
            break
        before = f"&before={told['next_before']}"

    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(("before", "expected"), [(0, []), (1, []), (2, [1]), (100, [5, 4, 3, 2, 1])])
async def test_any_number_can_be_asked_before(world: ServedPast, before: int, expected: list[int]) -> None:
    told = await world.get(f"/revisions?before={before}")

    assert [one["revision"] for one in told["revisions"]] == expected


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "before=-1", "before=x", "limit="])
async def test_pages_that_make_no_sense_are_refused(world: ServedPast, query: str) -> None:
    assert (await world.ask(f"{V2}/revisions?{query}")).status == 422
    assert (await world.ask(f"{V2}{HISTORY}?{query}")).status == 422


async def test_one_revision_tells_what_it_touched_and_the_hashes(world: ServedPast) -> None:
    assert world.past.state.catalogue is not None
    told = await world.get("/revisions/5")

    assert told["touched"] == [{"category": "clip", "model_name": "ViT-L/14", "operation": "create"}]
    assert told["touched_total"] == 1
    assert told["hashes"]["clip"]["v2"] == world.past.state.catalogue.categories["clip"].v2
    assert told["side_data_hash"] == world.past.state.catalogue.side_data


@pytest.mark.parametrize("number", ["0", "6", "99999999999999", "x", "-1", "1.0"])
async def test_a_revision_that_does_not_exist_is_not_found(world: ServedPast, number: str) -> None:
    answer = await world.ask(f"{V2}/revisions/{number}")

    assert answer.status == 404
    assert isinstance(answer.json["detail"], str)


async def test_a_model_has_its_versions_newest_first_with_what_changed(world: ServedPast) -> None:
    told = await world.get(HISTORY)

    assert [(one["revision"], one["difference"]["operation"]) for one in told["versions"]] == [
        (5, "create"),
        (4, "delete"),
        (2, "update"),
        (1, "create"),
    ]
    edit = told["versions"][2]
    assert edit["difference"]["fields"] == [
        {
            "field_path": "description",
            "old_value": None,
            "new_value": "better",
            "change_type": "added",
        }
    ]
    assert (edit["actor"], edit["username"]) == ("34", "Ash#34")
    assert [change["change_id"] for change in edit["changes"]] == [1]
    assert (told["total"], told["next_before"]) == (4, None)


async def test_pages_of_versions_hang_together(world: ServedPast) -> None:
    first = await world.get(f"{HISTORY}?limit=3")
    second = await world.get(f"{HISTORY}?limit=3&before={first['next_before']}")

    assert [one["revision"] for one in (*first["versions"], *second["versions"])] == [5, 4, 2, 1]
    assert second["next_before"] is None


async def test_a_deleted_model_keeps_its_history(past: Past) -> None:
    await past.seed({"clip": WITHOUT})
    async with served(past) as world:
        assert (await world.get(HISTORY))["versions"][0]["difference"]["operation"] == "delete"
        assert (await world.ask(f"{V2}/clip/model/ViT-L%2F14")).status == 404


async def test_a_change_that_was_hidden_is_named_by_its_number_only(past: Past) -> None:
    await past.hide(1)
    async with served(past) as world:
        versions = (await world.get(HISTORY))["versions"]

    assert versions[2]["changes"] == [{"change_id": 1}]


@pytest.mark.parametrize("path", ["/clip/model/nobody/history", "/blip/model/other/history"])
async def test_a_model_that_never_existed_has_no_history(world: ServedPast, path: str) -> None:
    assert (await world.ask(f"{V2}{path}")).status == 404


async def test_an_unknown_category_is_refused_as_everywhere(world: ServedPast) -> None:
    assert (await world.ask(f"{V2}/nothing/model/x/history")).status == 422


async def test_a_new_version_is_told_although_the_history_was_asked_for_before(world: ServedPast) -> None:
    assert (await world.get(HISTORY))["total"] == 4
    await world.past.apply({"clip": EDITED})
    await world.reached()

    assert [one["revision"] for one in (await world.get(HISTORY))["versions"]][:2] == [6, 5]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/revisions", "/revisions/2", HISTORY])
async def test_answers_can_be_revalidated(world: ServedPast, path: str, method: str) -> None:
    first = await world.ask(f"{V2}{path}", method, headers={"Accept-Encoding": "gzip"})
    second = await world.ask(
        f"{V2}{path}", method, headers={"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]}
    )

    assert (first.status, second.status) == (200, 304)
    assert first.headers["X-Revision"] == "5"
    assert (first.body == b"") == (method == "HEAD")


class TestNamesThatEndInHistory:
    """The record of `x/history`, and the history of `x`."""

    @pytest.fixture
    async def named(self) -> AsyncIterator[ServedPast]:
        past = Past()
        names = ("x", "x/history", "y/history", "history")
        await past.seed({"clip": {name: a_record("clip", name) for name in names}})
        async with served(past) as world:
            yield world

    async def test_sent_encoded_it_is_always_the_record(self, named: ServedPast) -> None:
        assert (await named.get("/clip/model/x%2Fhistory"))["name"] == "x/history"
        assert (await named.get("/clip/model/x%2fhistory?revision=1"))["name"] == "x/history"

    async def test_sent_as_it_is_it_is_the_history_of_the_shorter_name(self, named: ServedPast) -> None:
        assert (await named.get("/clip/model/x/history"))["model_name"] == "x"

    async def test_without_a_model_of_the_shorter_name_it_is_the_record(self, named: ServedPast) -> None:
        assert (await named.get("/clip/model/y/history"))["name"] == "y/history"

    async def test_such_a_model_has_a_history_too(self, named: ServedPast) -> None:
        for path in ("/clip/model/x%2Fhistory/history", "/clip/model/y/history/history"):
            assert (await named.get(path))["total"] == 1

    async def test_a_model_may_be_called_history(self, named: ServedPast) -> None:
        assert (await named.get("/clip/model/history"))["name"] == "history"
        assert (await named.get("/clip/model/history/history"))["model_name"] == "history"


async def test_the_prefix_can_be_left_out(world: ServedPast) -> None:
    path = URL(f"{V2}{HISTORY}", encoded=True).raw_path.removeprefix("/api")

    assert (await world.ask(path)).status == 200
