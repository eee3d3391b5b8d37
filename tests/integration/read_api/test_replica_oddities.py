"""A PRIMARY, or something before it, that answers some things in its own way."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.contents import Records, a_record
from support.histories import Past
from support.http_meddler import Change, Meddler, always, meddling
from support.replicas import POLL_SECONDS, Replica, replica_of
from support.served_pasts import V1, V2, ServedPast, served

BUNDLE, REVISIONS = "/model_references/v2/bundle", "/model_references/v2/revisions/"
V2_CLIP, EVENTS = "/model_references/v2/clip", "/model_references/v2/events"


def clips(*names: str) -> dict[str, Records]:
    return {"clip": {name: a_record("clip", name) for name in names}}


@pytest.fixture
async def primary() -> AsyncIterator[ServedPast]:
    past = Past()
    await past.seed(clips("a"), legacy={"clip": b'{"a": {}}\n'})
    async with served(past, poll_seconds=POLL_SECONDS, heartbeat_seconds=0.2) as world:
        yield world


@pytest.fixture
async def meddler(primary: ServedPast) -> AsyncIterator[Meddler]:
    async with meddling(primary.client.port) as meddler:
        yield meddler


@pytest.fixture
async def replica(meddler: Meddler, tmp_path: Path) -> AsyncIterator[Replica]:
    async with replica_of(meddler.url, tmp_path) as replica:
        await replica.in_step()
        yield replica


async def revision(replica: Replica) -> int:
    return int((await replica.ask(f"{V2}/lora")).headers["X-Revision"])


def of_another_revision(_: int, body: bytes) -> tuple[int, bytes]:
    return 200, json.dumps({**json.loads(body), "revision": 77}).encode()


@pytest.mark.parametrize(
    "change",
    [
        always(500),
        always(503),
        always(404),
        always(200, b"<html>"),
        always(200, b'{"revision": 2}'),
        of_another_revision,
    ],
)
async def test_a_revision_that_is_not_described_comes_as_a_whole(
    primary: ServedPast, meddler: Meddler, replica: Replica, change: Change
) -> None:
    meddler.changes[REVISIONS] = change
    await primary.past.apply(clips("a", "new"))

    await replica.has("clip", "a", "new")
    await replica.in_step()

    assert await revision(replica) == 2
    assert meddler.asked[f"{BUNDLE}?include_v1=true"] == 2


@pytest.mark.parametrize("change", [always(500), always(404), always(200, b'{"forged": {}}')])
async def test_a_document_that_does_not_fit_its_hash_is_not_served(
    primary: ServedPast, meddler: Meddler, replica: Replica, change: Change
) -> None:
    meddler.changes[f"{V2_CLIP}?revision="] = change
    await primary.past.apply(clips("a", "new"))

    await replica.has("clip", "a", "new")

    assert await revision(replica) == 2


def of_revision_one(_: int, body: bytes) -> tuple[int, bytes]:
    return 200, json.dumps({**json.loads(body), "revision": 1}).encode()


async def test_a_bundle_that_is_older_than_what_was_asked_for_is_not_taken(
    primary: ServedPast, meddler: Meddler, replica: Replica
) -> None:
    meddler.changes = {REVISIONS: always(404), BUNDLE: of_revision_one}
    await primary.past.apply(clips("a", "new"))
    await replica.in_step(stale=True)
    assert set(await replica.get("/clip")) == {"a"}

    meddler.changes.clear()
    await replica.has("clip", "a", "new")
    await replica.in_step()


async def test_where_only_the_old_paths_are_let_through_documents_are_fetched(
    primary: ServedPast, meddler: Meddler, tmp_path: Path
) -> None:
    for path in (BUNDLE, REVISIONS, EVENTS):
        meddler.changes[path] = always(404)
    async with replica_of(meddler.url, tmp_path) as replica:
        await replica.in_step()
        assert (await replica.ask(f"{V1}/clip")).body == b'{"a": {}}\n'
        await primary.past.apply(clips("b"))
        await replica.has("clip", "b")


@pytest.mark.parametrize("change", [always(404), always(500), always(200, b"data: {}\n\n")])
async def test_without_a_usable_feed_news_come_at_the_interval(
    primary: ServedPast, meddler: Meddler, tmp_path: Path, change: Change
) -> None:
    meddler.changes[EVENTS] = change
    async with replica_of(meddler.url, tmp_path) as replica:
        await replica.in_step()
        await primary.past.apply(clips("b"))
        await replica.has("clip", "b")


async def test_a_primary_that_is_outdated_itself_makes_the_replica_so(
    primary: ServedPast, meddler: Meddler, replica: Replica
) -> None:
    meddler.outdated = True
    await replica.in_step(stale=True)
    await primary.past.apply(clips("b"))
    await replica.has("clip", "b")

    meddler.outdated = False
    await replica.in_step()


async def test_the_file_that_is_no_category_may_be_missing(
    primary: ServedPast, meddler: Meddler, tmp_path: Path
) -> None:
    meddler.changes["/model_references/v1/diffusers.json"] = always(500)
    async with replica_of(meddler.url, tmp_path) as replica:
        await replica.in_step()
        assert (await replica.ask(f"{V1}/diffusers.json")).body == b"{}"


@pytest.mark.parametrize("change", [always(500), always(200, b"[]"), always(200, b'{"canonical_format": 7}')])
async def test_a_mode_that_is_not_told_leaves_the_setting(
    meddler: Meddler, tmp_path: Path, change: Change
) -> None:
    meddler.changes["/replicate_mode"] = change
    async with replica_of(meddler.url, tmp_path, canonical_format="legacy") as replica:
        await replica.in_step()
        assert (await replica.ask("/api/replicate_mode")).json["canonical_format"] == "legacy"
