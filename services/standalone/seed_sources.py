"""Where a catalogue comes from: a directory, GitHub, or the sample that is part of the package."""

from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from registry.github_files import GithubHosts, LegacyRepository, fetch_at_commits
from registry.sources import MAX_FILE_BYTES, SEED_FILES, SeedSource, read_directory
from service_kit.http_fetch import open_fetch
from service_kit.retry import RetryPolicy
from service_kit.telemetry import Telemetry
from standalone.settings import StandaloneSettings

PATIENT: Final = RetryPolicy(
    attempts=4, first_pause_seconds=0.5, max_pause_seconds=5.0, deadline_seconds=60.0
)
"""For whoever asked for GitHub."""
BRIEF: Final = RetryPolicy(attempts=2, first_pause_seconds=0.2, max_pause_seconds=1.0, deadline_seconds=15.0)
"""For the first start, which has something to fall back to, and tries again later."""

SAMPLE_ORIGIN: Final = "the sample catalogue"


async def from_github(
    settings: StandaloneSettings,
    policy: RetryPolicy,
    *,
    categories: Iterable[str] = SEED_FILES,
    telemetry: Telemetry | None = None,
) -> SeedSource:
    """Fetch the files of the categories from the legacy repositories. Raises `SourceUnreadable`."""
    hosts = GithubHosts(
        settings.github_api_url, settings.github_raw_url, settings.github_proxy_url_base.rstrip("/")
    )
    image, text = settings.image_github_repo, settings.text_github_repo
    repositories = {
        "image": LegacyRepository(image.owner, image.name, image.branch),
        "text": LegacyRepository(text.owner, text.name, text.branch),
    }
    async with open_fetch("github", max_bytes=MAX_FILE_BYTES, policy=policy, telemetry=telemetry) as fetch:
        return await fetch_at_commits(fetch, hosts, repositories, categories)


async def from_sample() -> SeedSource:
    """Read the made-up catalogue that is shipped with the project."""
    with as_file(files("standalone") / "sample") as root:
        return replace(await read_directory(Path(root)), origin=SAMPLE_ORIGIN)
