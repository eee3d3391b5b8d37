"""Settings of the whole service in one process, and of the commands that work on its journal."""

from pathlib import Path

from pydantic import AliasChoices, Field

from horde_model_reference.github_sources import (
    GITHUB_IMAGE_REPO_NAME,
    GITHUB_REPO_BRANCH,
    GITHUB_REPO_OWNER,
    GITHUB_TEXT_REPO_NAME,
)
from read_api.settings import ReadApiSettings
from service_kit.settings import ENV_PREFIX, SettingsPart
from write_queue.settings import WriteQueueSettings


class ImageGithubRepoSettings(SettingsPart):
    """The legacy repository of image models."""

    owner: str = Field(GITHUB_REPO_OWNER, description="owner of the repository of image models")
    name: str = Field(GITHUB_IMAGE_REPO_NAME, description="its name")
    branch: str = Field(GITHUB_REPO_BRANCH, description="its branch")


class TextGithubRepoSettings(SettingsPart):
    """The legacy repository of text models."""

    owner: str = Field(GITHUB_REPO_OWNER, description="owner of the repository of text models")
    name: str = Field(GITHUB_TEXT_REPO_NAME, description="its name")
    branch: str = Field(GITHUB_REPO_BRANCH, description="its branch")


class StandaloneSettings(ReadApiSettings, WriteQueueSettings):
    """Everything the services know, and where an empty journal is filled from."""

    seed_dir: Path | None = Field(
        None, description="directory with the legacy files that an empty journal is filled from"
    )
    image_github_repo: ImageGithubRepoSettings = ImageGithubRepoSettings()
    text_github_repo: TextGithubRepoSettings = TextGithubRepoSettings()
    github_proxy_url_base: str = Field(
        "",
        validation_alias=AliasChoices(f"{ENV_PREFIX}GITHUB_PROXY_URL_BASE", "GITHUB_PROXY_URL_BASE"),
        description="put before every GitHub URL, with a slash; the name without the prefix works too",
    )
