"""Copy the catalogue, the whole journal behind it and the usage history into one file, while services run.

The file is a tar archive; `sha256sum -c SHA256SUMS` checks what any tar program unpacks of it.
"""

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Final, NamedTuple

from registry.backup import back_up, begin
from registry.backup_content import BackupHead
from service_kit.errors import RequestRefused
from service_kit.settings import load_settings
from standalone.banner import DISTRIBUTION
from standalone.journal_access import open_journal
from standalone.settings import StandaloneSettings
from stats.categories import CATEGORIES
from stats.history.object_names import daily_folder, hourly_folder

STREAM: Final = Path("-")
PACKED: Final = (".gz", ".tgz")


class BackedUp(NamedTuple):
    """What is in the file."""

    head: BackupHead
    objects: int
    content_bytes: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where to."""
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="replaced when the backup is whole; packed if it ends in .gz or .tgz; - is standard output",
    )


def run(arguments: argparse.Namespace) -> int:
    """Back up and say what."""
    settings = load_settings(StandaloneSettings)
    streamed = arguments.file == STREAM
    with _output(arguments.file) as output:
        done = asyncio.run(
            _back_up(settings, output, version(DISTRIBUTION), packed=arguments.file.suffix in PACKED)
        )
    where = sys.stderr if streamed else sys.stdout
    where.write(
        f"revision {done.head.revision}, {done.head.sequence} entries, {done.objects} objects, "
        f"{done.content_bytes} bytes: {'standard output' if streamed else arguments.file}\n"
    )
    return 0


def history_folders() -> list[str]:
    """Return where the usage history lies; hours before days, so that one that moves meanwhile is met."""
    return [folder(category) for folder in (hourly_folder, daily_folder) for category in CATEGORIES]


async def _back_up(
    settings: StandaloneSettings, output: IO[bytes], software: str, *, packed: bool
) -> BackedUp:
    async with open_journal(settings, read_only=True) as access:
        head = await begin(access.store, now=datetime.now(UTC), software=software)
        written = await back_up(access.store, head, output, history_folders=history_folders(), packed=packed)
        return BackedUp(head, written.objects, written.content_bytes)


@contextlib.contextmanager
def _output(path: Path) -> Iterator[IO[bytes]]:
    """Yield what to write to; a file has its name only once it is whole and on the disk."""
    if path == STREAM:
        if sys.stdout.isatty():
            raise RequestRefused("a backup is nothing to be shown on a terminal: name a file, or use a pipe")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(draft, "xb", opener=_private) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)  # who proposed what stands in it
