"""Backups of real stores, and restores into them: any store's backup fits into any other."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from registry.backup import pages
from registry.backup_restore import restore
from registry.blobs import Blobs
from registry.journal import Journal
from registry.state import State
from registry.verify import verify
from service_kit.errors import StoreUnavailable
from service_kit.file_object_store import open_file_store
from service_kit.object_store import ObjectStore
from service_kit.s3_object_store import open_s3_store
from support.backups import HISTORY_FOLDERS, a_backup, brought_back, open_backup
from support.faulty_store import FaultyStore
from support.journals import a_journal, next_revision
from support.memory_store import MemoryObjectStore

FOLDERS = ("journal/", "blobs/", *HISTORY_FOLDERS)
Opener = Callable[[pytest.FixtureRequest, str], contextlib.AbstractAsyncContextManager[ObjectStore]]


@contextlib.asynccontextmanager
async def a_directory(request: pytest.FixtureRequest, name: str) -> AsyncIterator[ObjectStore]:
    folder: Path = request.getfixturevalue("tmp_path")
    async with open_file_store(folder / name) as store:
        yield store


@contextlib.asynccontextmanager
async def a_bucket(request: pytest.FixtureRequest, name: str) -> AsyncIterator[ObjectStore]:
    async with open_s3_store(request.getfixturevalue("s3_server").settings()) as store:
        yield store


PLACES: dict[str, Opener] = {"file": a_directory, "s3": a_bucket}


@pytest.fixture(params=PLACES)
async def source(request: pytest.FixtureRequest) -> AsyncIterator[ObjectStore]:
    async with PLACES[request.param](request, "source") as store:
        await a_journal(store, revisions=11)
        await store.create("stats/hourly/clip/2026050411.json.gz", b"an hour")
        yield store


@pytest.fixture(params=PLACES)
async def target(request: pytest.FixtureRequest) -> AsyncIterator[ObjectStore]:
    async with PLACES[request.param](request, "target") as store:
        yield store


async def a_filled_memory() -> ObjectStore:
    store = MemoryObjectStore()
    await a_journal(store, revisions=9)
    return store


async def head(store: ObjectStore) -> tuple[Blobs, State]:
    return Blobs(store), await Journal(store).require_whole(State())


async def everything(store: ObjectStore) -> dict[str, bytes]:
    return {
        key: await store.get(key) for folder in FOLDERS async for page in pages(store, folder) for key in page
    }


async def test_backup_of_any_store_is_brought_back_into_any_other(
    source: ObjectStore, target: ObjectStore
) -> None:
    await brought_back(target, await a_backup(source))
    assert await everything(target) == await everything(source)
    assert (await verify(target)).problems == []
    assert await target.list_after("restore/") == []


async def test_journal_that_went_on_is_taken_back_and_can_go_on_again(source: ObjectStore) -> None:
    archive, before, (blobs, state) = await a_backup(source), await everything(source), await head(source)
    await Journal(source).append(state, next_revision(blobs, "a mistake"))
    await brought_back(source, archive, replace=True)
    journal = {key: body for key, body in (await everything(source)).items() if key.startswith("journal/")}
    assert journal == {key: body for key, body in before.items() if key.startswith("journal/")}
    blobs, state = await head(source)
    await Journal(source).append(state, next_revision(blobs, "done well"))
    result = await verify(source)
    assert (result.problems, result.entries) == ([], 12)


@pytest.mark.parametrize("at", [1, 4, 12, 30, 38])
async def test_store_that_fails_in_between_can_be_tried_again(target: ObjectStore, at: int) -> None:
    archive = await a_backup(await a_filled_memory())
    with pytest.raises(StoreUnavailable):
        await restore(FaultyStore(target, at=at, moment="after"), await open_backup(archive))
    await brought_back(target, archive)
    result = await verify(target)
    assert (result.problems, result.entries) == ([], 9)
