"""Settings of the whole service in one process, and of the commands that work on its journal."""

from pathlib import Path

from pydantic import Field

from read_api.settings import ReadApiSettings
from stats.settings import StatsSettings
from write_queue.settings import WriteQueueSettings


class StandaloneSettings(ReadApiSettings, WriteQueueSettings, StatsSettings):
    """Everything the services know, and where an empty journal is filled from."""

    seed_dir: Path | None = Field(
        None, description="directory with the legacy files that an empty journal is filled from"
    )
