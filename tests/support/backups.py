"""Makes backups of journals and brings them back, in memory."""

import asyncio
import io
from collections.abc import Sequence
from datetime import UTC, datetime

from registry.backup import back_up, begin
from registry.backup_archive import ArchiveReader
from registry.backup_content import BackupHead, Member
from registry.backup_restore import restore
from service_kit.object_store import ObjectStore

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HISTORY_FOLDERS = ("stats/hourly/clip/", "stats/daily/clip/")


async def a_backup(
    store: ObjectStore, *, packed: bool = False, folders: Sequence[str] = HISTORY_FOLDERS
) -> bytes:
    output = io.BytesIO()
    head = await begin(store, now=NOON, software="1.2.3")
    await back_up(store, head, output, history_folders=folders, packed=packed)
    return output.getvalue()


async def brought_back(store: ObjectStore, archive: bytes, *, replace: bool = False) -> BackupHead:
    return await restore(store, await open_backup(archive), replace=replace)


async def open_backup(archive: bytes) -> ArchiveReader:
    return await asyncio.to_thread(ArchiveReader, io.BytesIO(archive))


def read_backup(archive: bytes) -> tuple[BackupHead, list[Member]]:
    """Return the head and all objects. Raises what `ArchiveReader` raises."""
    reader = ArchiveReader(io.BytesIO(archive))
    members: list[Member] = []
    while member := reader.next():
        members.append(member)
    return reader.head, members
