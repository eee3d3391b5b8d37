from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.write_clients import Writes, seeded, writing


@pytest.fixture
async def filled_dir(data_dir: Path) -> Path:
    """Return a directory with a journal that holds the sample catalogue."""
    return await seeded(data_dir)


@pytest.fixture
async def writes(filled_dir: Path) -> AsyncIterator[Writes]:
    """Return a client of a write-queue, v2 being canonical."""
    async with writing(filled_dir) as client:
        yield client


@pytest.fixture
async def legacy_writes(filled_dir: Path) -> AsyncIterator[Writes]:
    """Return a client of a write-queue, the legacy format being canonical."""
    async with writing(filled_dir, canonical_format="legacy") as client:
        yield client
