"""Settings of the whole service in one process, and of the commands that work on its journal."""

from pathlib import Path

from pydantic import AliasChoices, Field

from read_api.settings import ReadApiSettings
from service_kit.settings import ENV_PREFIX
from stats.settings import StatsSettings
from sync_worker.github.settings import PREFIX, Address
from write_queue.settings import WriteQueueSettings


class StandaloneSettings(ReadApiSettings, WriteQueueSettings, StatsSettings):
    """Everything the services know, and where an empty journal is filled from."""

    seed_dir: Path | None = Field(
        None, description="directory with the legacy files that an empty journal is filled from"
    )
    github_seed_enabled: bool | None = Field(
        None,
        description="fill it from GitHub: true: from nowhere else; false: never, but with made-up models;"
        " empty: if GitHub can be reached",
    )
    github_api_url: Address = Field(
        "https://api.github.com",
        validation_alias=AliasChoices(f"{PREFIX}GITHUB_API_URL", f"{ENV_PREFIX}GITHUB_API_URL"),
        description="where the REST interface of GitHub is; `HORDE_GITHUB_SYNC_GITHUB_API_URL` works too",
    )
    github_raw_url: Address = Field(
        "https://raw.githubusercontent.com",
        validation_alias=AliasChoices(f"{PREFIX}GITHUB_RAW_URL", f"{ENV_PREFIX}GITHUB_RAW_URL"),
        description="where the raw files of GitHub are; `HORDE_GITHUB_SYNC_GITHUB_RAW_URL` works too",
    )
