"""The sample that is part of the package: what an empty journal gets where GitHub cannot be had."""

from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from registry.sources import SeedSource, read_directory

SAMPLE_ORIGIN: Final = "the sample catalogue"


async def from_sample() -> SeedSource:
    """Read the made-up catalogue that is shipped with the project."""
    with as_file(files("standalone") / "sample") as root:
        return replace(await read_directory(Path(root)), origin=SAMPLE_ORIGIN)
