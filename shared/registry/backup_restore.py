"""Brings a backup back into a store, so that nobody ever sees a part of it.

The journal is what makes everything else count, so it comes last. Its entries first wait in a folder of
their own, until the archive was seen to be whole. Then a guard, an object behind the last entry, tells
everybody who reads the journal that it is being replaced; the old entries go, the new ones come, the first
of them at the end; the guard goes. Killed anywhere, it leaves the old catalogue, or one that nobody serves
or writes to; run again, it ends what was begun.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from registry.backup import in_batches, pages
from registry.backup_archive import ArchiveReader
from registry.backup_content import HISTORY, BackupHead, Member
from registry.entries import entry_key
from registry.errors import JournalError
from registry.restore_guard import find_guard, key_sequence, render_guard
from service_kit.errors import ObjectExists, ObjectMissing, ServiceError
from service_kit.object_store import ObjectStore

WRITTEN_AT_ONCE: Final = 8
STAGING: Final = "restore/"

log = logging.getLogger(__name__)


class RestoreRefused(JournalError):
    """The store is not one into which this backup may be restored as asked."""


async def restore(store: ObjectStore, archive: ArchiveReader, *, replace: bool = False) -> BackupHead:
    """Make the journal of the store that of the archive, and add what is missing of blobs and history.

    A journal that has entries is replaced only if `replace`, or if they are what a restore of the same
    archive left that was not finished. No service may run on the store meanwhile: it would go on from
    entries that are no more. Raises `RestoreRefused`, `ArchiveDamaged`, `JournalTooNew`, `StoreUnavailable`.
    """
    restoring = _Restoring(store, archive.head)
    await restoring.begin(replace=replace)
    try:
        await restoring.stage(archive)
    except ServiceError:
        await restoring.give_up()
        raise
    await restoring.switch()
    return archive.head


class _Restoring:
    def __init__(self, store: ObjectStore, head: BackupHead) -> None:
        self._store = store
        self._head = head
        self._guard = ""
        self._old: list[str] = []  # keys of the journal that was there
        self._was_empty = False

    async def begin(self, *, replace: bool) -> None:
        """Find out what is there. An empty journal is guarded at once, lest somebody fills it."""
        keys = [key async for page in pages(self._store, "journal/") for key in page]
        guard = await self._find_guard(keys)
        unfinished = guard is not None and guard == render_guard(self._head, key_sequence(keys[-1]))
        if keys and not (replace or unfinished):
            raise RestoreRefused(
                "the store holds the rest of another restore: only with --replace"
                if guard is not None
                else f"the store is not empty: it has {len(keys)} journal entries; only with --replace"
            )
        if unfinished:
            self._guard = keys.pop()
        else:
            last = max((key_sequence(key) for key in keys), default=0)
            self._guard = entry_key(max(last, self._head.sequence) + 1)
        self._old = keys
        self._was_empty = not keys and not unfinished
        if not keys:
            await self._set_guard()

    async def stage(self, archive: ArchiveReader) -> None:
        """Store everything where it does not count yet, to the end of the archive."""
        batch: list[Member] = []
        while member := await asyncio.to_thread(archive.next):
            batch.append(member)
            if len(batch) == WRITTEN_AT_ONCE:
                await self._stage_all(batch)
                batch = []
        await self._stage_all(batch)

    async def give_up(self) -> None:
        """Take back what would keep others from filling an empty store.

        Not after a killed try: that one may have removed a catalogue already, in whose place nobody shall
        begin another.
        """
        if self._was_empty:
            with contextlib.suppress(ServiceError):
                await self._store.delete(self._guard)
                await self._clear(STAGING)

    async def switch(self) -> None:
        """Replace the old journal by the new one."""
        await self._set_guard()
        if self._old:
            await self._store.delete(self._old[0])  # from here on nobody reads what is left of it
        await _each(iter(self._old[1:]), self._store.delete)
        await self._clear("checkpoints/")
        await _each((entry_key(n) for n in range(self._head.sequence, 1, -1)), self._bring_in)
        await self._bring_in(
            entry_key(1)
        )  # whoever began to follow an empty journal sees all of it or nothing
        await self._store.delete(self._guard)
        await self._clear(STAGING)

    async def _find_guard(self, keys: list[str]) -> bytes | None:
        if not keys:
            return None
        try:
            return find_guard(await self._store.get(keys[-1]))
        except ObjectMissing:
            return None

    async def _set_guard(self) -> None:
        await self._create(self._guard, render_guard(self._head, key_sequence(self._guard)))

    async def _stage_all(self, members: Iterable[Member]) -> None:
        await asyncio.gather(*map(self._stage, members))

    async def _stage(self, member: Member) -> None:
        if member.key.startswith(HISTORY):
            with contextlib.suppress(ObjectExists):  # what was counted here is not counted anew
                await self._store.create(member.key, member.body)
        else:
            await self._make_equal(_staged(member.key), member.body)

    async def _make_equal(self, key: str, body: bytes) -> None:
        """Store the bytes, instead of others if need be: of a blob only damage can differ."""
        try:
            await self._store.create(key, body)
        except ObjectExists:
            if await self._store.get(key) != body:
                log.warning("%s was damaged or left by another restore, it is replaced", key)
                await self._store.delete(key)
                await self._store.create(key, body)

    async def _bring_in(self, key: str) -> None:
        await self._create(key, await self._store.get(_staged(key)))

    async def _create(self, key: str, body: bytes) -> None:
        try:
            await self._store.create(key, body)
        except ObjectExists as error:
            if await self._store.get(key) != body:
                raise RestoreRefused(
                    f"somebody else wrote {key} meanwhile: stop all services, then run it with --replace"
                ) from error

    async def _clear(self, folder: str) -> None:
        async for page in pages(self._store, folder):
            await _each(iter(page), self._store.delete)


def _staged(key: str) -> str:
    return key.replace("journal/", STAGING, 1) if key.startswith("journal/") else key


async def _each(keys: Iterable[str], call: Callable[[str], Awaitable[None]]) -> None:
    for batch in in_batches(iter(keys)):
        await asyncio.gather(*map(call, batch))
