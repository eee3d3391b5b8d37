"""The journal entries that made the revisions, for clients that check what they got."""

import hashlib
import json

import pytest

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from registry.catalogue import SideData
from registry.entries import Entry, entry_hash, entry_key, parse_entry
from registry.kinds import BODY_TYPES
from registry.signatures import Signer, verify_signature
from service_kit.errors import NotFound
from support.contents import a_record
from support.histories import Past
from support.served_pasts import V2, ServedPast, served
from support.signing import a_signer

FIRST = {"a": a_record("clip", "a"), "b": a_record("clip", "b")}
SIGNER = a_signer()
KINDS = ["seeded", "applied", "group_data_changed", "rolled_back"]


async def a_past(signer: Signer | None = SIGNER) -> Past:
    """Return: 1 seeded, 2 edited, 3 group data, 4 rolled back to 1."""
    past = Past(signer=signer)
    await past.seed({"clip": FIRST})
    await past.apply({"clip": {**FIRST, "a": a_record("clip", "a", description="better")}})
    await past.change_group_data(SideData(aliases={"a": ("b",)}))
    await past.roll_back(1, {"clip": FIRST})
    return past


async def stored(past: Past, revision: int) -> bytes:
    """Return the object that made a revision."""
    return await past.store.get(entry_key(past.state.history.revisions[revision].sequence))


async def told(world: ServedPast, revision: int) -> tuple[bytes, Entry]:
    """Return the bytes that are served, and what they say."""
    answer = await world.ask(f"{V2}/revisions/{revision}/entry")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    return answer.body, parse_entry(answer.body, json.loads(answer.body)["sequence"], BODY_TYPES)


@pytest.mark.parametrize(("revision", "kind"), list(enumerate(KINDS, start=1)))
async def test_the_bytes_are_those_that_are_stored_and_their_signature_is_valid(
    revision: int, kind: str
) -> None:
    past = await a_past()
    async with served(past) as world:
        raw, entry = await told(world, revision)

    assert raw == await stored(past, revision)
    assert entry.kind == kind
    assert entry.signature is not None
    assert verify_signature(raw, entry.signature, SIGNER.public_key)
    assert not verify_signature(raw, entry.signature, a_signer().public_key)


async def test_entries_that_follow_each_other_are_a_chain() -> None:
    async with served(await a_past()) as world:
        before, _ = await told(world, 2)
        _, after = await told(world, 3)

    assert after.previous == entry_hash(before)


async def test_an_entry_names_the_hashes_of_the_documents_that_are_served() -> None:
    async with served(await a_past()) as world:
        for path, revision in (("/clip?revision=2", 2), ("/clip", 4)):
            _, entry = await told(world, revision)
            document = await world.ask(f"{V2}{path}")

            assert document.headers["X-Revision"] == str(revision)
            assert entry.catalogue is not None
            assert entry.catalogue.categories["clip"].v2 == hashlib.sha256(document.body).hexdigest()


async def test_without_a_key_of_the_service_the_entry_has_no_signature() -> None:
    past = await a_past(signer=None)
    async with served(past) as world:
        raw, entry = await told(world, 2)

    assert raw == await stored(past, 2)
    assert entry.signature is None


async def test_an_entry_never_changes() -> None:
    async with served(await a_past()) as world:
        path = f"{V2}/revisions/2/entry"
        first = await world.ask(path)
        again = await world.ask(path, headers={"If-None-Match": first.headers["ETag"]})
        head = await world.ask(path, "HEAD")

    assert "immutable" in first.headers["Cache-Control"]
    assert first.headers["X-Revision"] == "2"
    assert (again.status, again.body) == (304, b"")
    assert (head.status, head.body, head.headers["ETag"]) == (200, b"", first.headers["ETag"])


async def test_a_large_entry_travels_packed() -> None:
    past = Past()
    await past.seed(
        {str(c): {f"{n}": a_record(c, f"{n}") for n in range(9)} for c in MODEL_REFERENCE_CATEGORY}
    )
    async with served(past) as world:
        plain = await world.ask(f"{V2}/revisions/1/entry")
        packed = await world.ask(f"{V2}/revisions/1/entry", headers={"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body)


@pytest.mark.parametrize("number", ["0", "5", "999999999999999", "x", "-1"])
async def test_a_revision_that_does_not_exist_has_no_entry(number: str) -> None:
    async with served(await a_past()) as world:
        answer = await world.ask(f"{V2}/revisions/{number}/entry")

    assert answer.status == 404
    assert isinstance(answer.json["detail"], str)


async def test_an_entry_that_keeps_records_of_changes_is_not_shown() -> None:
    past = await a_past(signer=None)
    key = entry_key(past.state.history.revisions[2].sequence)
    entry = json.loads(await past.store.get(key))
    entry["answer"] = {"status": 200, "body": {"record": {"change_id": 1, "reason": "a secret"}}}
    await past.store.delete(key)
    await past.store.create(key, json.dumps(entry).encode())
    archive = past.archive()

    with pytest.raises(NotFound, match="revision 2"):
        await archive.entry(2)
    await archive.close()
