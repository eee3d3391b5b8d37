"""Settings of whoever fills what was never written."""

from pathlib import Path

from pydantic import Field

from registry.github_settings import GithubHostSettings, GithubProxySettings, GithubRepositorySettings


class SeedSettings(GithubRepositorySettings, GithubHostSettings, GithubProxySettings):
    """Where the legacy files are taken from."""

    seed_dir: Path | None = Field(
        None, description="directory with the legacy files that an empty journal is filled from"
    )
    github_seed_enabled: bool | None = Field(
        None,
        description="fill an empty journal from GitHub: true: from nowhere else; false: never, but with"
        " made-up models; empty: if GitHub can be reached",
    )
