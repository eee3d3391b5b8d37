"""Seeding: wholly or not at all, and only when something is new."""

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from horde_model_reference.documents import SourceUnreadable
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from registry.blobs import Blobs
from registry.content import CatalogueContent
from registry.entries import entry_key
from registry.export import export
from registry.journal import Journal
from registry.loading import load_content
from registry.seeding import SeedOutcome, seed
from registry.sources import SEED_FILES, SeedSource, read_directory
from registry.state import State
from registry.verify import verify
from service_kit.errors import StoreUnavailable
from service_kit.object_store import ObjectStore
from support.faulty_store import Crashed, FaultyStore, Moment
from support.memory_store import MemoryObjectStore
from support.reference_data import SHARED, requires_shared
from support.sources import SAMPLE, a_clip_record, a_legacy_file, a_source, seed_file


async def seeded(store: ObjectStore, source: SeedSource | None = None) -> SeedOutcome:
    journal = Journal(store)
    state = await journal.catch_up(State())
    return await seed(journal, Blobs(store), source or await a_source(), state=state)


async def content_of(store: ObjectStore) -> CatalogueContent:
    content = await load_content(Blobs(store), await Journal(store).catch_up(State()), None)
    assert content is not None
    return content


async def test_first_seed_makes_revision_one_of_every_category() -> None:
    store = MemoryObjectStore()
    outcome = await seeded(store)
    assert outcome.changed
    assert outcome.state.revision == 1
    content = await content_of(store)
    assert list(content.categories) == [str(category) for category in MODEL_REFERENCE_CATEGORY]
    assert json.loads(content.categories["controlnet_annotator"].v2) == {}
    assert outcome.record_counts["text_generation"] == 5


async def test_v1_of_every_seeded_category_has_the_bytes_of_its_file() -> None:
    store = MemoryObjectStore()
    source = await a_source()
    await seeded(store, source)
    content = await content_of(store)
    for category in SEED_FILES:
        if category != "text_generation":
            assert content.categories[category].legacy == seed_file(source, category), category


@requires_shared
async def test_v1_of_the_real_files_has_their_bytes() -> None:
    store = MemoryObjectStore()
    await seeded(store, await read_directory(SHARED / "data"))
    content = await content_of(store)
    for category, (folder, names) in SEED_FILES.items():
        wanted = (SHARED / "data" / folder / names[-1]).read_bytes()
        assert content.categories[category].legacy == wanted, category
    assert b"\r\n" in (content.categories["controlnet"].legacy or b"")


async def test_second_seed_of_the_same_data_appends_nothing() -> None:
    store = MemoryObjectStore()
    first = await seeded(store)
    second = await seeded(store)
    assert not second.changed
    assert second.state == first.state
    assert entry_key(2) not in store.objects


async def test_seed_of_one_changed_file_keeps_the_other_categories() -> None:
    store = MemoryObjectStore()
    await seeded(store)
    before = await content_of(store)
    outcome = await seeded(store, await a_source(clip=a_legacy_file({"New": a_clip_record("New")})))
    after = await content_of(store)
    assert outcome.state.revision == 2
    changed = {name for name in after.categories if after.categories[name] != before.categories[name]}
    assert changed == {"clip"}
    assert list(json.loads(after.categories["clip"].v2)) == ["New"]


async def test_a_file_that_is_only_passed_on_is_worth_a_revision() -> None:
    store = MemoryObjectStore()
    source = await a_source()
    await seeded(store, source)
    outcome = await seeded(store, replace(source, passed_on={"diffusers.json": b'{"new": {}}'}))
    assert (outcome.changed, outcome.state.revision) == (True, 2)
    assert (await content_of(store)).side_data.files == {"diffusers.json": '{"new": {}}'}
    assert outcome.state.history.revisions[2].touched == ()


async def test_unchanged_record_of_a_changed_file_keeps_its_times() -> None:
    store = MemoryObjectStore()
    old = {"Old": a_clip_record("Old")}
    await seeded(store, await a_source(clip=a_legacy_file(old)))
    before = json.loads((await content_of(store)).categories["clip"].v2)["Old"]
    await seeded(store, await a_source(clip=a_legacy_file({"New": a_clip_record("New"), **old})))
    assert json.loads((await content_of(store)).categories["clip"].v2)["Old"] == before


async def test_invalid_record_is_left_out_and_visible_while_v1_keeps_it() -> None:
    store = MemoryObjectStore()
    body = a_legacy_file({"Good": a_clip_record("Good"), "Bad": a_clip_record("Bad", version=3)})
    outcome = await seeded(store, await a_source(clip=body))
    content = await content_of(store)
    assert list(json.loads(content.categories["clip"].v2)) == ["Good"]
    assert content.categories["clip"].legacy == body
    (rejected,) = content.side_data.rejected["clip"]
    assert (rejected.name, rejected.path) == ("Bad", "version")
    assert outcome.imported["clip"].rejected[0].reason == rejected.reason


async def test_mended_record_is_no_longer_listed_as_left_out() -> None:
    store = MemoryObjectStore()
    good, bad = a_clip_record("Good"), a_clip_record("Bad", version=3)
    await seeded(store, await a_source(clip=a_legacy_file({"Good": good, "Bad": bad})))
    await seeded(store, await a_source(clip=a_legacy_file({"Good": good, "Bad": {**bad, "version": "3"}})))
    assert (await content_of(store)).side_data.rejected == {}


async def test_totals_of_the_metadata_are_the_numbers_of_models() -> None:
    store = MemoryObjectStore()
    outcome = await seeded(store)
    metadata = (await content_of(store)).side_data.metadata
    for version in ("v1", "v2"):
        totals = {name: item.total_models for name, item in metadata[version].items()}
        assert totals == dict(outcome.record_counts)


@pytest.mark.parametrize(
    ("category", "body"),
    [
        ("clip", b"{"),
        ("clip", b"[]"),
        ("clip", b'{"A": {"name": NaN}}'),
        ("clip", b'{"A": {}, "A": {}}'),
        ("clip", b"\xff\xfe"),
        ("clip", b""),
        ("text_generation", b""),
        ("text_generation", b"this is no table"),
        ("image_generation", b'{"A": ' + b"[" * 100_000),
    ],
)
async def test_unreadable_category_changes_nothing_and_is_named(category: str, body: bytes) -> None:
    store = MemoryObjectStore()
    before = await seeded(store)
    with pytest.raises(SourceUnreadable, match=f"^{category}: "):
        await seeded(store, await a_source(**{category: body}))
    assert await Journal(store).catch_up(State()) == before.state


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 60, 3))
async def test_crash_at_any_operation_leaves_all_or_nothing(at: int, moment: Moment) -> None:
    store = MemoryObjectStore()
    source = await a_source()
    try:
        await seeded(FaultyStore(store, at=at, moment=moment, crash=True), source)
    except Crashed:
        state = await Journal(store).catch_up(State())
        assert state.revision in {0, 1}
    assert (await verify(store)).problems == []
    await seeded(store, source)
    assert (await content_of(store)).revision == 1
    assert (await verify(store)).problems == []


async def test_store_that_fails_reports_it_and_a_second_try_succeeds() -> None:
    store = MemoryObjectStore()
    with pytest.raises(StoreUnavailable):
        await seeded(FaultyStore(store, at=2))
    assert (await seeded(store)).state.revision == 1


async def test_export_can_be_seeded_again_without_any_change(tmp_path: Path) -> None:
    store = MemoryObjectStore()
    outcome = await seeded(store)
    await export(Blobs(store), outcome.state, tmp_path)
    again = await seeded(store, await read_directory(tmp_path))
    assert not again.changed
    assert sorted(path.name for path in (tmp_path / "text").iterdir()) == ["db.json", "models.csv"]


async def test_missing_file_is_named(tmp_path: Path) -> None:
    for path in (SAMPLE / "image").iterdir():
        if path.name != "gfpgan.json":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "models.csv").write_bytes((SAMPLE / "text" / "models.csv").read_bytes())
    with pytest.raises(SourceUnreadable, match=r"gfpgan: there is no gfpgan\.json"):
        await read_directory(tmp_path)


async def test_directory_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="not a directory"):
        await read_directory(tmp_path / "nowhere")


async def test_file_of_100_megabytes_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "blip.json").open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(SourceUnreadable, match=r"blip\.json has 100000000 bytes, the limit is"):
        await read_directory(tmp_path)


async def test_journal_that_was_filled_meanwhile_is_not_filled_again() -> None:
    store = MemoryObjectStore()
    late = await a_source(clip=a_legacy_file({"Late": a_clip_record("Late")}))
    first = await seeded(store)
    outcome = await seed(Journal(store), Blobs(store), late, state=State(), when="empty")
    assert not outcome.changed
    assert outcome.state == first.state
    assert entry_key(2) not in store.objects


async def test_seed_that_loses_a_race_is_worked_out_anew_on_the_winner() -> None:
    store = MemoryObjectStore()
    one = await a_source(clip=a_legacy_file({"One": a_clip_record("One")}))
    two = await a_source(clip=a_legacy_file({"Two": a_clip_record("Two")}))
    await asyncio.gather(seeded(store, one), seeded(store, two), seeded(store, one))
    state = await Journal(store).catch_up(State())
    assert state.revision in {2, 3}
    assert (await verify(store)).problems == []


@pytest.mark.parametrize("kind", ["directory", "pipe", "device", "loop"])
async def test_what_is_no_file_is_refused_unread(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "blip.json"
    match kind:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case _:
            path.symlink_to("blip.json")
    with pytest.raises(SourceUnreadable, match=r"blip\.json cannot be read"):
        await read_directory(tmp_path)


async def test_directory_that_is_given_as_a_dot_is_named_in_the_journal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(SAMPLE)
    assert (await read_directory(Path())).origin == "directory sample"


async def test_export_that_is_refused_leaves_no_draft(tmp_path: Path) -> None:
    store = MemoryObjectStore()
    outcome = await seeded(store)
    (tmp_path / "v2" / "blip.json").mkdir(parents=True)
    with pytest.raises(OSError, match=r"blip\.json"):
        await export(Blobs(store), outcome.state, tmp_path)
    assert list(tmp_path.rglob(".*")) == []  # noqa: ASYNC240 - a test may
