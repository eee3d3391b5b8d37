"""Seeding what is divisible: each category for itself, and never what was written before."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.category_import_types import ImportedCategory
from horde_model_reference.documents import CategoryDocuments, Rejection, SourceUnreadable
from horde_model_reference.v2_format import render_v2
from registry.blobs import Blobs
from registry.bodies import Seeded, SeededCategory
from registry.catalogue import CatalogueRef
from registry.checkpoints import parse_checkpoint, render_checkpoint
from registry.content import CatalogueContent
from registry.draft import Draft
from registry.entries import Entry
from registry.journal import Journal
from registry.loading import load_content
from registry.rollback import rolled_back
from registry.seed_limits import FEW_PERCENT, FEW_RECORDS, require_few_losses
from registry.seeding import SeedOutcome, SeedWhen, never_written, seed
from registry.sources import SEED_FILES, FileOrigin, SeedSource
from registry.state import State
from registry.verify import verify
from service_kit.errors import Conflict
from support.memory_store import MemoryObjectStore
from support.sources import a_clip_record, a_legacy_file, a_source, seed_file

COMMIT = "c" * 40
ORIGINS = {
    "image": FileOrigin("someone/images", "main", COMMIT),
    "text": FileOrigin("someone/texts", "release", None),
}


def clips(*names: str) -> bytes:
    return a_legacy_file({name: a_clip_record(name) for name in names})


async def a_fetched_source(failures: Mapping[str, str] | None = None, **replaced: bytes) -> SeedSource:
    """Return the sample as if it came from GitHub, which did not give the categories that failed."""
    source = await a_source(**replaced)
    failures = failures or {}
    categories = {name: files for name, files in source.categories.items() if name not in failures}
    return replace(
        source,
        origin="github",
        categories=categories,
        failures=failures,
        origins=ORIGINS,
        is_divisible=True,
    )


async def seeded(store: MemoryObjectStore, source: SeedSource, when: SeedWhen = "unedited") -> SeedOutcome:
    journal = Journal(store)
    return await seed(journal, Blobs(store), source, state=await journal.catch_up(State()), when=when)


async def content_of(store: MemoryObjectStore) -> CatalogueContent:
    content = await load_content(Blobs(store), await Journal(store).catch_up(State()), None)
    assert content is not None
    return content


async def names_of(store: MemoryObjectStore, category: str = "clip") -> list[str]:
    return list(json.loads((await content_of(store)).categories[category].v2))


async def entry_of(store: MemoryObjectStore, sequence: int) -> tuple[Entry, Seeded]:
    entry, _ = await Journal(store).read(sequence)
    assert isinstance(entry.body, Seeded)
    return entry, entry.body


async def edit(store: MemoryObjectStore, revision: int = 1) -> None:
    """Make the newest revision an edit: roll back to a former one."""
    journal, blobs = Journal(store), Blobs(store)

    async def decide(state: State) -> Draft:
        body, catalogue = await rolled_back(journal, blobs, state, revision, now=1)
        return Draft(actor="202", kind="rolled_back", body=body, catalogue=catalogue)

    await journal.append(await journal.catch_up(State()), decide)


async def an_edited_store(**replaced: bytes) -> MemoryObjectStore:
    """Return a store whose clip was seeded twice and then rolled back to `Old`; gfpgan was never seeded."""
    store = MemoryObjectStore()
    gone = {"gfpgan": "gone"}
    await seeded(store, await a_fetched_source(gone, clip=clips("Old"), **replaced))
    await seeded(store, await a_fetched_source(gone, clip=clips("New"), **replaced))
    await edit(store)
    return store


async def test_categories_that_failed_stay_unseeded_and_the_others_are_seeded() -> None:
    store = MemoryObjectStore()
    outcome = await seeded(store, await a_fetched_source({"clip": "no answer"}, blip=b"<html>"))
    assert list(outcome.failures) == ["clip", "blip"]
    assert outcome.failures["clip"] == "no answer"
    assert "blip.json" in outcome.failures["blip"]
    assert set(never_written(outcome.state)) == {"blip", "clip"}
    categories = (await content_of(store)).categories
    assert categories.keys().isdisjoint({"blip", "clip"})
    assert {"gfpgan", "text_generation", "controlnet_annotator"} <= categories.keys()
    assert (await verify(store)).problems == []


async def test_what_was_missing_is_seeded_later_and_nothing_else() -> None:
    store = MemoryObjectStore()
    await seeded(store, await a_fetched_source({"clip": "no answer"}))
    before = await content_of(store)
    outcome = await seeded(store, await a_fetched_source(blip=b"{}", clip=clips("New")), "missing")
    after = await content_of(store)
    assert never_written(outcome.state) == ()
    assert await names_of(store) == ["New"]
    assert {**after.categories, "clip": None} == {**before.categories, "clip": None}
    assert [(one.category, one.operation) for one in outcome.state.history.revisions[2].touched] == [
        ("clip", "create")
    ]


async def test_nothing_missing_appends_nothing_whatever_the_files_say() -> None:
    store = MemoryObjectStore()
    first = await seeded(store, await a_fetched_source())
    again = await seeded(store, await a_fetched_source(clip=clips("Other")), "missing")
    assert not again.changed
    assert again.state == first.state


async def test_many_instances_at_once_seed_every_category_once() -> None:
    store = MemoryObjectStore()
    sources = [await a_fetched_source({"clip": "no"}), await a_fetched_source({"blip": "no"})]
    sources += [await a_fetched_source(), await a_fetched_source({"clip": "no", "blip": "no"})]
    await asyncio.gather(*(seeded(store, source, "missing") for source in sources))
    state = await Journal(store).catch_up(State())
    bodies = [(await entry_of(store, sequence))[1] for sequence in range(1, state.sequence + 1)]
    assert sorted(name for body in bodies for name in body.categories) == sorted(SEED_FILES)
    assert (await verify(store)).problems == []


async def test_a_source_without_one_usable_category_changes_nothing() -> None:
    store = MemoryObjectStore()
    source = await a_fetched_source(dict.fromkeys(SEED_FILES, "no answer"))
    with pytest.raises(SourceUnreadable, match=r"^blip: no answer \(and 9 more\)$"):
        await seeded(store, source)
    assert store.objects == {}


async def test_a_category_that_fails_in_a_later_seeding_keeps_what_it_has() -> None:
    store = MemoryObjectStore()
    await seeded(store, await a_fetched_source(clip=clips("Old")))
    outcome = await seeded(store, await a_fetched_source(clip=b"[]", blip=b"{}"))
    assert outcome.changed
    assert list(outcome.failures) == ["clip"]
    assert await names_of(store) == ["Old"]
    assert await names_of(store, "blip") == []
    assert (await entry_of(store, 2))[1].left == ("clip",)


async def test_edits_are_left_alone_while_what_is_missing_is_seeded() -> None:
    store = await an_edited_store()
    outcome = await seeded(store, await a_fetched_source(clip=clips("New")))
    assert "clip" in outcome.edited
    assert list(outcome.imported) == ["gfpgan"]
    assert await names_of(store) == ["Old"]
    assert never_written(outcome.state) == ()


async def test_edits_are_not_forgotten_over_a_seeding_of_what_was_missing() -> None:
    store = await an_edited_store()
    await seeded(store, await a_fetched_source(clip=clips("New")))
    with pytest.raises(Conflict, match=r"revision 3: rolled_back"):
        await seeded(store, await a_fetched_source(clip=clips("New")))
    assert await names_of(store) == ["Old"]


async def test_edits_are_overwritten_on_demand_and_over_then() -> None:
    store = await an_edited_store()
    await seeded(store, await a_fetched_source(clip=clips("New")), "always")
    assert await names_of(store) == ["New"]
    await seeded(store, await a_fetched_source(clip=clips("Newer")))
    assert await names_of(store) == ["Newer"]


async def test_an_edited_category_whose_file_failed_is_still_edited_after_overwriting_the_others() -> None:
    store = await an_edited_store()
    await seeded(store, await a_fetched_source({"clip": "no answer"}), "always")
    with pytest.raises(Conflict):
        await seeded(store, await a_fetched_source(clip=clips("New")))
    assert await names_of(store) == ["Old"]


async def test_the_entry_tells_repository_commit_hashes_and_counts() -> None:
    store = MemoryObjectStore()
    source = await a_fetched_source(clip=clips("A", "B"))
    await seeded(store, source)
    _, body = await entry_of(store, 1)
    assert body.categories["clip"] == SeededCategory(
        records=2,
        files={"clip.json": hashlib.sha256(seed_file(source, "clip")).hexdigest()},
        repository="someone/images",
        branch="main",
        commit=COMMIT,
    )
    text = body.categories["text_generation"]
    assert (text.repository, text.branch, text.commit) == ("someone/texts", "release", None)
    assert body.left == ()


async def test_files_of_a_folder_have_hashes_and_no_repository() -> None:
    store = MemoryObjectStore()
    await seeded(store, await a_source())
    _, body = await entry_of(store, 1)
    assert body.fetched == ()
    assert all(one.files and one.commit is None for one in body.categories.values())


async def test_each_fetched_category_takes_an_event_id_after_those_of_the_records() -> None:
    store = MemoryObjectStore()
    outcome = await seeded(store, await a_fetched_source())
    touched = len(outcome.state.history.revisions[1].touched)
    assert outcome.state.next_event_id == 1 + touched + len(SEED_FILES)
    assert await parse_checkpoint(await render_checkpoint(outcome.state)) == outcome.state


def test_an_entry_of_a_former_version_is_read_and_makes_no_events_for_categories() -> None:
    former: dict[str, Any] = {"source": "github", "categories": {"clip": {"records": 2}}, "touched": []}
    body = Seeded.model_validate(former)
    assert body.fetched == ()
    assert body.left == ()


async def test_a_folder_with_one_broken_file_changes_nothing() -> None:
    store = MemoryObjectStore()
    with pytest.raises(SourceUnreadable, match=r"^clip: "):
        await seeded(store, await a_source(clip=b"{"))
    assert store.objects == {}


@given(lost=st.integers(0, 300), kept=st.integers(0, 300))
def test_more_than_a_few_losses_are_a_failure_and_so_is_nothing_left(lost: int, kept: int) -> None:
    records = {f"kept {number}": {"name": f"kept {number}"} for number in range(kept)}
    rejected = tuple(Rejection(f"lost {number}", "version", "is wrong") for number in range(lost))
    imported = ImportedCategory(CategoryDocuments(v2=render_v2(records)), rejected, ())
    is_few = lost <= FEW_RECORDS or lost / (lost + kept) <= FEW_PERCENT / 100
    if lost == 0 or (kept and is_few):
        require_few_losses(imported)
        return
    with pytest.raises(SourceUnreadable, match=rf"^{lost} of {lost + kept} records .*lost 0: version: is"):
        require_few_losses(imported)


async def test_a_file_that_loses_many_records_is_a_failure_of_its_category() -> None:
    store = MemoryObjectStore()
    bad = {f"Bad {number}": a_clip_record(f"Bad {number}", version=3) for number in range(6)}
    body = a_legacy_file({"Good": a_clip_record("Good"), **bad})
    outcome = await seeded(store, await a_fetched_source(clip=body))
    assert list(outcome.failures) == ["clip"]
    assert outcome.failures["clip"].startswith("6 of 7 records cannot be converted")
    assert "clip" not in (await content_of(store)).categories


async def test_a_category_that_is_written_meanwhile_is_not_seeded_any_more() -> None:
    store = MemoryObjectStore()
    outcome = await seeded(store, await a_fetched_source({"clip": "no answer"}))
    assert outcome.state.catalogue is not None
    written = outcome.state.catalogue.categories["blip"]

    async def decide(state: State) -> Draft:
        assert state.catalogue is not None
        catalogue = CatalogueRef(
            revision=state.revision + 1,
            categories={**state.catalogue.categories, "clip": written},
            side_data=state.catalogue.side_data,
        )
        return Draft("202", "seeded", Seeded(source="somebody", categories={}), catalogue)

    await Journal(store).append(outcome.state, decide)
    assert not (await seeded(store, await a_fetched_source(), "missing")).changed
