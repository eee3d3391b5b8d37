"""Settings of the whole service in one process, and of the commands that work on its journal."""

from read_api.settings import ReadApiSettings
from stats.settings import StatsSettings
from write_queue.settings import WriteQueueSettings


class StandaloneSettings(ReadApiSettings, WriteQueueSettings, StatsSettings):
    """Everything the services know."""
