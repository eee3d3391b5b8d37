"""A PRIMARY of our kind, one of the older kind, and answers that no server should give."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from horde_model_reference.replica.errors import (
    NotOffered,
    SourceFailed,
    SourceRefused,
    SourceUnavailable,
    SourceUnusable,
)
from horde_model_reference.replica.fetching import Fetcher
from horde_model_reference.replica.primary_client import (
    CategoryChanges,
    FetchedDocument,
    LegacyDocument,
    NotModified,
    PrimaryClient,
    RevisionEvent,
)
from horde_model_reference.replica.signature_check import verify
from registry.catalogue import SideData
from support.contents import a_record
from support.histories import Past
from support.served_pasts import ServedPast, served
from support.signing import a_signer
from support.upstreams import Upstream, upstreams

LEGACY = b'{\r\n\t"a": {"name": "a"}\r\n}\r\n'
FIRST = {name: a_record("clip", name) for name in ("a", "b", "c")}
SECOND = {"a": FIRST["a"], "c": a_record("clip", "c", description="other"), "d": a_record("clip", "d")}
BLIP = {"blip": a_record("blip", "blip")}
SIDE_DATA = SideData(aliases={"one": ("other",)})
SIGNER = a_signer()


@pytest.fixture
async def world() -> AsyncIterator[ServedPast]:
    """Serve: 1 clip, 2 clip edited, 3 blip added with aliases."""
    past = Past(signer=SIGNER)
    await past.seed({"clip": FIRST}, legacy={"clip": LEGACY})
    await past.apply({"clip": SECOND})
    await past.seed({"clip": SECOND, "blip": BLIP}, legacy={"clip": LEGACY}, side_data=SIDE_DATA)
    async with served(past) as world:
        yield world


@pytest.fixture
async def other() -> AsyncIterator[Upstream]:
    """Serve whatever a test says."""
    async with upstreams("another server") as (server,):
        yield server


async def no_pause(_: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    made = Fetcher(timeout_seconds=60, sleep=no_pause)
    yield made
    await made.close()


@pytest.fixture
def client(world: ServedPast, fetcher: Fetcher) -> PrimaryClient:
    return PrimaryClient(f"http://127.0.0.1:{world.client.port}/api", fetcher)


@pytest.fixture
def stranger(other: Upstream, fetcher: Fetcher) -> PrimaryClient:
    return PrimaryClient(f"http://127.0.0.1:{other.port}/api//", fetcher)


async def the_document(client: PrimaryClient, category: str = "clip") -> FetchedDocument:
    fetched = await client.document(category)
    assert isinstance(fetched, FetchedDocument)
    return fetched


async def test_a_document_comes_with_its_records_etag_and_revision(client: PrimaryClient) -> None:
    fetched = await the_document(client)
    assert fetched.category == "clip"
    assert fetched.value == json.loads(fetched.body) == SECOND
    assert fetched.revision == 3
    assert fetched.etag


async def test_a_document_that_is_known_is_not_sent_again(client: PrimaryClient, world: ServedPast) -> None:
    fetched = await the_document(client)
    assert await client.document("clip", etag=fetched.etag) == NotModified(3)
    await world.past.apply({"clip": FIRST})
    await world.reached()
    changed = await client.document("clip", etag=fetched.etag)
    assert isinstance(changed, FetchedDocument)
    assert (changed.value, changed.revision) == (FIRST, 4)


async def test_a_document_of_a_revision_at_least_is_there_or_unavailable(client: PrimaryClient) -> None:
    assert (await client.document("clip", min_revision=3)).revision == 3
    with pytest.raises(SourceUnavailable, match="503"):
        await client.document("clip", min_revision=4)


async def test_a_document_as_it_was_is_that_of_its_revision(client: PrimaryClient) -> None:
    assert [(await client.document_at("clip", revision)).value for revision in (1, 2)] == [FIRST, SECOND]


async def test_a_revision_that_is_not_there_is_not_offered(client: PrimaryClient) -> None:
    with pytest.raises(NotOffered):
        await client.document_at("clip", 99)
    with pytest.raises(NotOffered):
        await client.document_at("blip", 1)
    with pytest.raises(NotOffered):
        await client.changes(99)
    with pytest.raises(NotOffered):
        await client.revision_entry(99)


async def test_a_category_that_is_not_there_is_refused(client: PrimaryClient) -> None:
    for category in ("no such one", "../v1/clip", "clip/model/a"):
        with pytest.raises(SourceRefused) as caught:
            await client.document(category)
        assert caught.value.status in {404, 422}


async def test_the_legacy_document_is_the_very_file(client: PrimaryClient) -> None:
    fetched = await client.legacy_text("clip")
    assert isinstance(fetched, LegacyDocument)
    assert (fetched.body, fetched.revision) == (LEGACY, 3)
    assert await client.legacy_text("clip", etag=fetched.etag) == NotModified(3)


async def test_changes_tell_what_to_do(client: PrimaryClient) -> None:
    changes = await client.changes(1)
    assert (changes.from_revision, changes.to_revision) == (1, 3)
    assert changes.categories == {
        "blip": CategoryChanges(BLIP, {}, ()),
        "clip": CategoryChanges({"d": SECOND["d"]}, {"c": SECOND["c"]}, ("b",)),
    }
    assert (await client.changes(3)).categories == {}


async def test_a_bundle_is_everything(client: PrimaryClient) -> None:
    bundle = await client.bundle()
    assert (bundle.revision, bundle.v1) == (3, None)
    assert (bundle.v2["clip"], bundle.v2["blip"]) == (SECOND, BLIP)
    assert bundle.side_data["aliases"] == {"one": ["other"]}
    assert set(bundle.metadata) == {"v1", "v2"}
    with_v1 = await client.bundle(include_v1=True)
    assert with_v1.v1 is not None
    assert with_v1.v1["clip"] == LEGACY.decode()


async def test_the_entry_of_a_revision_vouches_for_its_documents(client: PrimaryClient) -> None:
    fetched = await the_document(client)
    entry = await client.revision_entry(3)
    catalogue = verify(entry, SIGNER.public_key.public_key)
    assert catalogue.revision == 3
    assert catalogue.v2_sha256["clip"] == hashlib.sha256(fetched.body).hexdigest()


async def test_the_feed_tells_where_it_starts_and_every_revision(
    client: PrimaryClient, world: ServedPast
) -> None:
    async with asyncio.timeout(60), client.events(None) as events:
        assert await anext(events) == RevisionEvent("head", 3, None)
        await world.past.apply({"clip": FIRST, "blip": {}})
        assert await anext(events) == RevisionEvent("committed", 4, frozenset({"clip", "blip"}))


async def test_the_feed_begins_with_what_was_missed(client: PrimaryClient) -> None:
    async with asyncio.timeout(60), client.events(1) as events:
        told = [await anext(events) for _ in range(2)]
    assert told == [
        RevisionEvent("committed", 2, frozenset({"clip"})),
        RevisionEvent("committed", 3, frozenset({"blip"})),
    ]


async def test_the_feed_says_when_too_much_was_missed(client: PrimaryClient) -> None:
    async with asyncio.timeout(60), client.events(10**15) as events:
        first = await anext(events)
    assert (first.kind, first.revision, first.categories) == ("reset", 3, None)


Ask = Callable[[PrimaryClient], Awaitable[object]]


async def listen(client: PrimaryClient) -> list[RevisionEvent]:
    async with client.events(7) as events:
        return [event async for event in events]


EVERYTHING: dict[str, Ask] = {
    "document": lambda client: client.document("clip"),
    "conditional document": lambda client: client.document("clip", etag='"e"'),
    "former document": lambda client: client.document_at("clip", 7),
    "legacy": lambda client: client.legacy_text("clip"),
    "changes": lambda client: client.changes(7),
    "bundle": lambda client: client.bundle(),
    "entry": lambda client: client.revision_entry(7),
    "events": listen,
}
NEWER = {name: EVERYTHING[name] for name in ("former document", "changes", "bundle", "entry", "events")}


def everything(chosen: dict[str, Ask] = EVERYTHING) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("ask", chosen.values(), ids=chosen)


async def test_the_paths_and_headers_are_those_of_the_contract(
    stranger: PrimaryClient, other: Upstream
) -> None:
    other.status = 403
    for ask in EVERYTHING.values():
        with pytest.raises(SourceRefused):
            await ask(stranger)
    assert other.paths == [
        "/api/model_references/v2/clip",
        "/api/model_references/v2/clip",
        "/api/model_references/v2/clip?revision=7",
        "/api/model_references/v1/clip",
        "/api/model_references/v2/changes?since=7",
        "/api/model_references/v2/bundle?include_v1=false",
        "/api/model_references/v2/revisions/7/entry",
        "/api/model_references/v2/events",
    ]
    assert "If-None-Match" not in other.seen[0].headers
    assert other.seen[1].headers["If-None-Match"] == '"e"'
    assert other.seen[-1].headers["Last-Event-ID"] == "7"
    assert other.seen[-1].headers["Accept"] == "text/event-stream"


@everything(NEWER)
@pytest.mark.parametrize("status", [404, 405, 422])
async def test_newer_paths_are_not_offered_by_an_older_server(
    stranger: PrimaryClient, other: Upstream, ask: Ask, status: int
) -> None:
    other.status, other.body = status, b'{"detail": "Not Found"}'
    with pytest.raises(NotOffered) as caught:
        await ask(stranger)
    assert caught.value.status == status
    assert len(other.seen) == 1


async def test_an_older_server_that_does_not_know_revisions_does_not_offer_former_documents(
    stranger: PrimaryClient, other: Upstream
) -> None:
    other.body = b"{}"
    with pytest.raises(NotOffered):
        await stranger.document_at("clip", 7)


@everything()
@pytest.mark.parametrize(
    "body",
    [b"", b"<html>We are back soon</html>", b'{"a": {"x": 1}, "b":', b'"', b"\xff\xfe"],
    ids=["empty", "html", "cut", "quote", "bytes"],
)
async def test_what_is_not_json_is_never_taken_for_an_answer(
    stranger: PrimaryClient, other: Upstream, ask: Ask, body: bytes
) -> None:
    other.body = body
    other.headers["X-Revision"] = "7"
    with pytest.raises((SourceUnusable, NotOffered)):
        await ask(stranger)


@everything({name: ask for name, ask in EVERYTHING.items() if name not in {"legacy", "events", "entry"}})
@pytest.mark.parametrize(
    "body", [b"null", b"[]", b'{"detail": "oops"}', b'{"from": 1}', b'{"revision": "1"}']
)
async def test_other_json_is_never_taken_for_an_answer(
    stranger: PrimaryClient, other: Upstream, ask: Ask, body: bytes
) -> None:
    other.body = body
    other.headers["X-Revision"] = "7"
    with pytest.raises(SourceUnusable):
        await ask(stranger)


def changes_text(**changed: object) -> bytes:
    clip = {"added": {"a": {}}, "changed": {}, "removed": ["b"]}
    return json.dumps({"from": 7, "to": 8, "categories": {"clip": {**clip, **changed}}}).encode()


@pytest.mark.parametrize(
    "body",
    [
        changes_text(removed=[1]),
        changes_text(removed="b"),
        changes_text(added=[]),
        changes_text(changed={"a": 1}),
        changes_text().replace(b'"to": 8', b'"to": true'),
        changes_text().replace(b'"to": 8', b'"to": -8'),
        changes_text().replace(b'"from": 7', b'"from": 6'),
        b'{"from": 7, "to": 8, "categories": {"clip": []}}',
    ],
)
async def test_odd_changes_are_refused_whole(stranger: PrimaryClient, other: Upstream, body: bytes) -> None:
    other.body = body
    with pytest.raises(SourceUnusable):
        await stranger.changes(7)


@pytest.mark.parametrize("v1", [7, [], {"clip": {}}])
async def test_an_odd_bundle_is_refused_whole(stranger: PrimaryClient, other: Upstream, v1: object) -> None:
    value = {"revision": 7, "v2": {"clip": {}}, "side_data": {}, "metadata": {}}
    other.body = json.dumps(value).encode()
    assert (await stranger.bundle()).v2 == {"clip": {}}
    other.body = json.dumps({**value, "v1": v1}).encode()
    with pytest.raises(SourceUnusable):
        await stranger.bundle()


async def test_a_304_that_nobody_asked_for_is_refused(stranger: PrimaryClient, other: Upstream) -> None:
    other.answer = lambda _: asyncio.sleep(0, web.Response(status=304))
    with pytest.raises(SourceRefused):
        await stranger.document("clip")
    assert await stranger.document("clip", etag='"e"') == NotModified(None)


async def test_a_document_without_revision_is_that_of_an_older_server(
    stranger: PrimaryClient, other: Upstream
) -> None:
    other.body = b'{"a": {"name": "a"}}'
    assert await stranger.document("clip") == FetchedDocument(
        "clip", other.body, {"a": {"name": "a"}}, None, None
    )


async def test_a_large_document_is_read_all_the_same(stranger: PrimaryClient, other: Upstream) -> None:
    value = {f"model {number}": {"name": f"model {number}", "x": "y" * 100} for number in range(10_000)}
    other.body = json.dumps(value).encode()
    assert (await the_document(stranger)).value == value


@everything()
async def test_a_server_that_is_down_is_unavailable(
    stranger: PrimaryClient, other: Upstream, ask: Ask
) -> None:
    await other.stop()
    with pytest.raises(SourceUnavailable):
        await ask(stranger)


@everything()
async def test_every_failure_is_of_one_kind(stranger: PrimaryClient, other: Upstream, ask: Ask) -> None:
    for status in (301, 400, 401, 403, 404, 410, 429, 500, 503):
        other.status = status
        with pytest.raises(SourceFailed):
            await ask(stranger)


def stream_of(text: bytes) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    return lambda _: asyncio.sleep(0, web.Response(body=text, content_type="text/event-stream"))


async def test_events_of_other_kinds_are_passed_over_and_the_end_is_the_end(
    stranger: PrimaryClient, other: Upstream
) -> None:
    other.answer = stream_of(
        b": hello\n\nretry: 10\n\n"
        b'event: catalog.committed\ndata: {"revision": 8, "categories": {"clip": {}}}\n\n'
        b"event: catalog.renamed\ndata: whatever\n\n"
        b'event: catalog.committed\ndata: {"revision": 9}\n\n'
        b'event: catalog.committed\ndata: {"revision": 10, "categ'
    )
    assert await listen(stranger) == [
        RevisionEvent("committed", 8, frozenset({"clip"})),
        RevisionEvent("committed", 9, None),
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"event: catalog.committed\ndata: nonsense\n\n",
        b'event: catalog.committed\ndata: {"revision": null}\n\n',
        b"event: catalog.head\ndata: []\n\n",
        b"data: " + b"x" * 2_000_000,
    ],
    ids=["text", "revision", "list", "large"],
)
async def test_odd_events_end_the_stream(stranger: PrimaryClient, other: Upstream, text: bytes) -> None:
    other.answer = stream_of(text)
    with pytest.raises(SourceUnusable):
        await listen(stranger)
