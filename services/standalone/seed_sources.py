"""Where a catalogue comes from: a directory, GitHub, or the sample that is part of the package."""

from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from read_api.replica.github import repository_urls
from registry.sources import MAX_FILE_BYTES, SeedSource, fetch_repositories, read_directory
from service_kit.http_fetch import open_fetch
from service_kit.retry import RetryPolicy
from standalone.settings import StandaloneSettings

PATIENT: Final = RetryPolicy(
    attempts=4, first_pause_seconds=0.5, max_pause_seconds=5.0, deadline_seconds=60.0
)
"""For whoever asked for GitHub."""
BRIEF: Final = RetryPolicy(attempts=2, first_pause_seconds=0.2, max_pause_seconds=1.0, deadline_seconds=15.0)
"""For the first start, which has something to fall back to."""

SAMPLE_ORIGIN: Final = "the sample catalogue"


async def from_github(settings: StandaloneSettings, policy: RetryPolicy) -> SeedSource:
    """Fetch the files of both legacy repositories. Raises `SourceUnreadable`."""
    async with open_fetch("github", max_bytes=MAX_FILE_BYTES, policy=policy) as fetch:
        return await fetch_repositories(fetch, repository_urls(settings))


async def from_sample() -> SeedSource:
    """Read the made-up catalogue that is shipped with the project."""
    with as_file(files("standalone") / "sample") as root:
        return replace(await read_directory(Path(root)), origin=SAMPLE_ORIGIN)
