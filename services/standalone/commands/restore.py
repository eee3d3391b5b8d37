"""Bring a backup back into an empty store, and verify it. Stop all services before, start them afterwards.

A restore that was killed is run again; until then nobody serves what it left. Blobs and usage history that
are in the store already stay there.
"""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from registry.backup_archive import ArchiveReader
from registry.backup_content import BackupHead
from registry.backup_restore import restore
from registry.entry_signature import PublicKey
from registry.signatures import read_public_key
from registry.verify import Verification, verify
from service_kit.settings import load_settings
from standalone.commands.backup import STREAM
from standalone.commands.verify import summary
from standalone.journal_access import open_journal
from standalone.settings import StandaloneSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where from, and whether something may be lost by it."""
    parser.add_argument("file", type=Path, metavar="FILE", help="made by `backup`; - is standard input")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--replace",
        action="store_true",
        help="replace a journal that is there, once the backup was seen to be whole",
    )
    how.add_argument("--check", action="store_true", help="only read the backup and check all of it")
    parser.add_argument(
        "--public-key",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="demand signatures of this key of what was restored, as `verify` does",
    )


def run(arguments: argparse.Namespace) -> int:
    """Restore, verify and report; or only check."""
    with _input(arguments.file) as source:
        if arguments.check:
            archive = asyncio.run(_checked(source))
            sys.stdout.write(f"{_about(archive.head)}, {archive.objects} objects: all right\n")
            return 0
        public_keys = [read_public_key(path) for path in arguments.public_key]
        settings = load_settings(StandaloneSettings)
        head, result = asyncio.run(_restore(settings, source, public_keys, replace=arguments.replace))
    sys.stdout.write("".join(f"problem: {problem}\n" for problem in result.problems))
    sys.stdout.write(f"{_about(head)} is restored. {summary(result)}\n")
    return 1 if result.problems else 0


def _about(head: BackupHead) -> str:
    made = f"{head.created_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"revision {head.revision}, {head.sequence} entries, backed up {made}"


async def _checked(source: IO[bytes]) -> ArchiveReader:
    archive = await asyncio.to_thread(ArchiveReader, source)
    while await asyncio.to_thread(archive.next):
        pass
    return archive


async def _restore(
    settings: StandaloneSettings, source: IO[bytes], public_keys: Sequence[PublicKey], *, replace: bool
) -> tuple[BackupHead, Verification]:
    archive = await asyncio.to_thread(ArchiveReader, source)
    async with open_journal(settings) as access:
        await access.require_safe_store()
        head = await restore(access.store, archive, replace=replace)
        return head, await verify(access.store, public_keys)


@contextlib.contextmanager
def _input(path: Path) -> Iterator[IO[bytes]]:
    if path == STREAM:
        yield sys.stdin.buffer
        return
    with path.open("rb") as file:
        yield file
