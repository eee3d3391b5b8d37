"""Verification finds every kind of damage and says where it is."""

from datetime import UTC, datetime

import pytest

from registry.blobs import blob_key
from registry.checkpoints import checkpoint_key
from registry.draft import make_entry
from registry.entries import entry_key, render_entry
from registry.verify import verify
from support.journals import a_catalogue, a_draft, a_journal
from support.memory_store import MemoryObjectStore


async def test_whole_journal_has_no_problems() -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=4)
    result = await verify(store)
    assert result.problems == []
    assert (result.entries, result.revisions, result.blobs) == (4, 4, 5)


async def test_missing_entry_is_named_and_the_rest_is_checked() -> None:
    store = MemoryObjectStore()
    _, _, state = await a_journal(store, revisions=5)
    del store.objects[entry_key(3)]
    assert state.catalogue is not None
    digest = state.catalogue.categories["clip"].v2
    store.objects[blob_key(digest)] = b"other"
    problems = (await verify(store)).problems
    assert "entry 3 is missing" in problems
    assert any(digest in problem and "entry 5" in problem for problem in problems)


async def test_changed_entry_breaks_the_chain_behind_it() -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=3)
    store.objects[entry_key(2)] = store.objects[entry_key(2)].replace(b"tester#1", b"tester#2")
    assert (await verify(store)).problems == ["entry 3 does not continue entry 2: the chain breaks here"]


async def test_missing_blob_is_named_with_entry_and_category() -> None:
    store = MemoryObjectStore()
    _, _, state = await a_journal(store, revisions=1)
    assert state.catalogue is not None
    digest = state.catalogue.categories["clip"].v2
    del store.objects[blob_key(digest)]
    (problem,) = (await verify(store)).problems
    assert problem == f"entry 1, clip v2: blob {digest} does not exist"


async def test_unreadable_side_data_is_named() -> None:
    store = MemoryObjectStore()
    _, _, state = await a_journal(store, revisions=1)
    assert state.catalogue is not None
    store.objects[blob_key(state.catalogue.side_data)] = b"[]"
    (problem,) = (await verify(store)).problems
    assert problem.startswith("entry 1, side data: blob")


@pytest.mark.parametrize("name", ["journal/readme.txt", "journal/7.json"])
async def test_stray_object_in_the_journal_is_named(name: str) -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=1)
    store.objects[name] = b"x"
    assert (await verify(store)).problems == [f"{name} is not the key of a journal entry"]


async def test_stale_checkpoint_is_named() -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=1)
    store.objects[checkpoint_key(256)] = b"{}"
    assert any(checkpoint_key(256) in problem for problem in (await verify(store)).problems)


async def test_skipped_revision_is_named() -> None:
    store = MemoryObjectStore()
    _, blobs, state = await a_journal(store, revisions=1)
    entry = make_entry(
        a_draft(await a_catalogue(blobs, 5)),
        sequence=2,
        previous=state.head_hash,
        entry_id="written by hand",
        now=datetime.now(UTC),
    )
    store.objects[entry_key(2)] = render_entry(entry)
    assert (await verify(store)).problems == ["entry 2 makes revision 5 after 1"]
