"""Verification finds every kind of damage and says where it is."""

from datetime import UTC, datetime

import pytest

from registry.blobs import Blobs, blob_key
from registry.bodies import Decided
from registry.checkpoints import INTERVAL, checkpoint_key, render_checkpoint
from registry.draft import Draft, make_entry
from registry.entries import entry_key, render_entry
from registry.journal import Journal
from registry.signatures import Signer
from registry.state import State
from registry.verify import verify
from service_kit.errors import ObjectMissing
from support.journals import a_catalogue, a_draft, a_journal, always
from support.memory_store import MemoryObjectStore
from support.signing import a_signer, append_signed


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


async def test_checkpoints_are_compared_with_the_fold() -> None:
    store = MemoryObjectStore()
    journal, _, state = await a_journal(store, revisions=1)
    for _ in range(2):
        state = await journal.append(state, always(a_draft()))
        store.objects[checkpoint_key(state.sequence)] = await render_checkpoint(state)
    result = await verify(store)
    assert (result.problems, result.checkpoints) == ([], 2)


async def test_checkpoint_whose_state_is_not_that_of_the_fold_is_named() -> None:
    store = MemoryObjectStore()
    _, _, state = await a_journal(store, revisions=2)
    wrong = state.model_copy(update={"seeded_from": "somewhere else"})
    store.objects[checkpoint_key(2)] = await render_checkpoint(wrong)
    (problem,) = (await verify(store)).problems
    assert problem == (
        f"{checkpoint_key(2)} does not fit the journal (it may be deleted): "
        "its state is not what the fold gives"
    )


async def test_checkpoint_of_another_version_is_counted_and_no_problem() -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=1)
    store.objects[checkpoint_key(INTERVAL)] = b'{"state_version":1,"digest":"x","state":{}}'
    result = await verify(store)
    assert (result.problems, result.checkpoints, result.outdated_checkpoints) == ([], 0, 1)


async def test_checkpoint_that_is_replaced_meanwhile_is_no_problem() -> None:
    class Pruned(MemoryObjectStore):
        async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:
            keys = await super().list_after(prefix, after, limit=limit)
            return [checkpoint_key(1)] if prefix == "checkpoints/" and not after else keys

    store = Pruned()
    await a_journal(store, revisions=1)
    result = await verify(store)
    assert (result.problems, result.checkpoints) == ([], 0)


async def test_entry_that_the_fold_refuses_is_named_once_and_the_rest_is_checked() -> None:
    store = MemoryObjectStore()
    _, _, state = await a_journal(store, revisions=1)
    body = Decided(batch_title="of changes that do not exist", approved_ids=(7,))
    entry = make_entry(
        Draft(actor="202", username="a#202", kind="decided", body=body),
        sequence=2,
        previous=state.head_hash,
        entry_id="written by hand",
        now=datetime.now(UTC),
    )
    store.objects[entry_key(2)] = render_entry(entry)
    (problem,) = (await verify(store)).problems
    assert "entry 2" in problem


async def test_long_journal_is_read_whole() -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=50)
    result = await verify(store)
    assert (result.problems, result.entries) == ([], 50)


async def a_journal_signed_by(*signers: Signer | None) -> MemoryObjectStore:
    """Return a journal with one revision for each signer; None leaves its entry unsigned."""
    store = MemoryObjectStore()
    blobs, state = Blobs(store), State()
    for signer in signers:
        draft = a_draft(await a_catalogue(blobs, state.revision + 1))
        state = await append_signed(store, state, draft, signer)
    return store


SIGNER, OTHER = a_signer(), a_signer()


async def test_signatures_are_checked_with_the_public_key() -> None:
    store = await a_journal_signed_by(None, SIGNER, SIGNER)
    result = await verify(store, [SIGNER.public_key])
    assert (result.problems, result.signed, result.signatures_checked) == ([], 2, True)


async def test_without_a_public_key_signatures_are_only_counted() -> None:
    store = await a_journal_signed_by(SIGNER, None)
    result = await verify(store)
    assert (result.problems, result.signed, result.signatures_checked) == ([], 1, False)


async def test_unsigned_catalogue_entry_after_a_signed_one_is_named() -> None:
    store = await a_journal_signed_by(None, SIGNER, None)
    result = await verify(store, [SIGNER.public_key])
    assert result.problems == ["entry 3 is not signed, although entry 2 is"]


async def test_entry_without_catalogue_needs_no_signature() -> None:
    store = await a_journal_signed_by(SIGNER)
    journal = Journal(store)
    await journal.append(await journal.catch_up(State()), always(a_draft()))
    assert (await verify(store, [SIGNER.public_key])).problems == []


async def test_signature_of_an_unknown_key_is_named() -> None:
    store = await a_journal_signed_by(SIGNER, OTHER)
    result = await verify(store, [SIGNER.public_key])
    assert result.problems == [f"entry 2 is signed with another key: {OTHER.key_id}"]


async def test_keys_may_follow_each_other() -> None:
    store = await a_journal_signed_by(SIGNER, OTHER)
    assert (await verify(store, [SIGNER.public_key, OTHER.public_key])).problems == []


async def test_entry_changed_after_it_was_signed_is_named() -> None:
    store = await a_journal_signed_by(SIGNER)
    store.objects[entry_key(1)] = store.objects[entry_key(1)].replace(b"tester#1", b"tester#2")
    result = await verify(store, [SIGNER.public_key])
    assert result.problems == ["entry 1: the signature is not valid"]


async def test_journal_without_any_signature_is_a_problem_to_who_has_a_public_key() -> None:
    store = await a_journal_signed_by(None, None)
    result = await verify(store, [SIGNER.public_key])
    assert result.problems == ["no entry is signed, although a public key was given"]


async def test_unreadable_entry_is_named_and_the_rest_is_checked() -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=3)
    store.objects[entry_key(2)] = b"{}"
    result = await verify(store)
    assert result.problems == [
        "journal entry 2 has no usable schema version or kind",
        "entry 3 makes revision 3 after 1",
    ]
    assert result.entries == 3


async def test_entry_that_was_listed_but_is_not_there_is_named() -> None:
    class Forgetful(MemoryObjectStore):
        async def get(self, key: str) -> bytes:
            if key == entry_key(1):
                raise ObjectMissing(key)
            return await super().get(key)

    store = MemoryObjectStore()
    await a_journal(store, revisions=1)
    forgetful = Forgetful()
    forgetful.objects = store.objects
    assert (await verify(forgetful)).problems == ["entry 1 was listed, but is not there"]
