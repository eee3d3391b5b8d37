"""Settings of the whole service in one process, and of the commands that work on its journal."""

from pathlib import Path

from pydantic import Field

from read_api.settings import ReadApiSettings
from registry.github_settings import GithubHostSettings
from stats.settings import StatsSettings
from write_queue.settings import WriteQueueSettings


class StandaloneSettings(ReadApiSettings, WriteQueueSettings, StatsSettings, GithubHostSettings):
    """Everything the services know, and where an empty journal is filled from."""

    seed_dir: Path | None = Field(
        None, description="directory with the legacy files that an empty journal is filled from"
    )
    github_seed_enabled: bool | None = Field(
        None,
        description="fill it from GitHub: true: from nowhere else; false: never, but with made-up models;"
        " empty: if GitHub can be reached",
    )
