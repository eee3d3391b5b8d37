"""Where seed data are taken from, as the settings say."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from registry.github_files import GithubHosts, LegacyRepository, fetch_at_commits
from registry.seed_settings import SeedSettings
from registry.sources import MAX_FILE_BYTES, SEED_FILES, SeedSource
from service_kit.http_fetch import open_fetch
from service_kit.retry import RetryPolicy
from service_kit.telemetry import Telemetry

PATIENT: Final = RetryPolicy(
    attempts=4, first_pause_seconds=0.5, max_pause_seconds=5.0, deadline_seconds=60.0
)
"""For whoever asked for GitHub."""
BRIEF: Final = RetryPolicy(attempts=2, first_pause_seconds=0.2, max_pause_seconds=1.0, deadline_seconds=15.0)
"""For the first start, which has something to fall back to, and tries again later."""

FindSample = Callable[[], Awaitable[SeedSource]]


@dataclass(frozen=True, slots=True)
class SeedOrigins:
    """What the settings name, and a sample for an empty journal; without one that stays empty."""

    settings: SeedSettings
    find_sample: FindSample | None = None
    telemetry: Telemetry | None = None


async def from_github(
    settings: SeedSettings,
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
