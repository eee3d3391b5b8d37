"""Orders for the asynchronous core of the download engine, which waits for nothing long in tests."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from horde_model_reference.downloads.downloader import Downloader, open_downloader
from horde_model_reference.downloads.outcome import DownloadOutcome, FileOrder, Patience

QUICK = Patience(pause_seconds=0.01, silence_seconds=60, look_again_seconds=0.01, other_download_seconds=60)


@contextlib.asynccontextmanager
async def quick_downloader(patience: Patience = QUICK) -> AsyncIterator[Downloader]:
    async with open_downloader(patience) as downloader:
        yield downloader


async def fetched(
    url: str, destination: Path, *, patience: Patience = QUICK, **options: Any
) -> DownloadOutcome:
    """Download one file with an order made of the options."""
    async with quick_downloader(patience) as downloader:
        return await downloader.fetch(FileOrder(url, destination, **options))


def names_in(folder: Path) -> list[str]:
    """Return the names of all files below a folder."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in paths)
