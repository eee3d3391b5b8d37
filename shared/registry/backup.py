"""Copies a catalogue out of its store, while others go on writing to it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import datetime
from typing import IO, Final

from registry.backup_archive import ArchiveWriter
from registry.backup_content import HISTORY, BackupHead, ContentDamaged, Member
from registry.blobs import blob_key
from registry.checkpoints import Checkpoints
from registry.entries import entry_key
from registry.errors import EntryCorrupt, JournalError
from registry.journal import Journal
from service_kit.errors import ObjectMissing
from service_kit.object_store import ObjectStore

READ_AT_ONCE: Final = 8  # objects that are in memory together


class BackupRefused(JournalError):
    """What is in the store cannot be backed up."""


async def begin(store: ObjectStore, *, now: datetime, software: str) -> BackupHead:
    """Fix what will be backed up: all entries up to the newest one there is now.

    Raises `BackupRefused` for an empty journal, `JournalError` for a damaged one, `StoreUnavailable`.
    """
    journal = Journal(store)
    state = await journal.require_whole(await Checkpoints(store, journal).newest())
    if state.sequence == 0:
        raise BackupRefused("there is nothing to back up: the journal is empty")
    return BackupHead(
        created_at=now,
        software=software,
        sequence=state.sequence,
        head_hash=state.head_hash,
        revision=state.revision,
    )


async def back_up(
    store: ObjectStore,
    head: BackupHead,
    output: IO[bytes],
    *,
    history_folders: Sequence[str] = (),
    packed: bool = False,
) -> ArchiveWriter:
    """Write the archive, and return how much that was. Holds a few objects in memory, and all hashes.

    Of the history the folders are copied in the given order; objects that vanish meanwhile are left out.
    Raises `BackupRefused` when something is missing or damaged, `StoreUnavailable`, `OSError`.
    """
    writer = await asyncio.to_thread(ArchiveWriter, output, head, packed=packed)
    try:
        await _copy(store, writer, map(entry_key, range(1, head.sequence + 1)))
        await _copy(store, writer, map(blob_key, writer.check.missing_blobs()))
        for folder in history_folders:
            await _copy_folder(store, writer, folder)
        await asyncio.to_thread(writer.finish)
    except ObjectMissing as error:
        raise BackupRefused(f"the catalogue is damaged: {error}") from error
    except (ContentDamaged, EntryCorrupt) as error:
        raise BackupRefused(f"the catalogue is damaged: {error}") from error
    return writer


async def _copy(store: ObjectStore, writer: ArchiveWriter, keys: Iterator[str]) -> None:
    for some in in_batches(keys):
        bodies = await asyncio.gather(*(store.get(key) for key in some))
        members = [Member(*item) for item in zip(some, bodies, strict=True)]
        await asyncio.to_thread(_add_all, writer, members)


async def _copy_folder(store: ObjectStore, writer: ArchiveWriter, folder: str) -> None:
    if not folder.startswith(HISTORY):
        raise ValueError(f"not a folder of the history: {folder!r}")
    async for keys in pages(store, folder):
        for some in in_batches(iter(keys)):
            found = await asyncio.gather(*(_find(store, key) for key in some))
            await asyncio.to_thread(_add_all, writer, [member for member in found if member])


async def _find(store: ObjectStore, key: str) -> Member | None:
    try:
        return Member(key, await store.get(key))
    except ObjectMissing:
        return None  # it went into the object of its day, which is copied after it


def _add_all(writer: ArchiveWriter, members: Iterable[Member]) -> None:
    for member in members:
        writer.add(member)


async def pages(store: ObjectStore, folder: str) -> AsyncIterator[list[str]]:
    """Yield all keys of a folder, in order. Raises `StoreUnavailable`."""
    after = ""
    while keys := await store.list_after(folder, after):
        yield keys
        after = keys[-1]


def in_batches(keys: Iterator[str]) -> Iterator[list[str]]:
    """Yield the keys, as many at once as may be in memory together."""
    batch: list[str] = []
    for key in keys:
        batch.append(key)
        if len(batch) == READ_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
