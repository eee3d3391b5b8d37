"""Settings of where the legacy repositories are, for every service that asks GitHub (sync.md section 11)."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, AliasChoices, Field

from horde_model_reference.github_sources import (
    GITHUB_IMAGE_REPO_NAME,
    GITHUB_REPO_BRANCH,
    GITHUB_REPO_OWNER,
    GITHUB_TEXT_REPO_NAME,
)
from service_kit.settings import ENV_PREFIX, ServiceSettings, SettingsPart

SYNC_PREFIX: Final = "HORDE_GITHUB_SYNC_"


def _require_address(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url, re.ASCII):
        raise ValueError("must be an http:// or https:// address without user, query and fragment")
    return url.rstrip("/")


Address = Annotated[str, AfterValidator(_require_address)]
Owner = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*[A-Za-z0-9_-]$")]
Branch = Annotated[str, Field(pattern=r"^\w[^\s~^:?*\[\\\x00-\x1f]*$")]


class ImageGithubRepoSettings(SettingsPart):
    """The legacy repository of image models."""

    owner: Owner = Field(GITHUB_REPO_OWNER, description="owner of the repository of image models")
    name: Name = Field(GITHUB_IMAGE_REPO_NAME, description="its name")
    branch: Branch = Field(GITHUB_REPO_BRANCH, description="its branch")


class TextGithubRepoSettings(SettingsPart):
    """The legacy repository of text models."""

    owner: Owner = Field(GITHUB_REPO_OWNER, description="owner of the repository of text models")
    name: Name = Field(GITHUB_TEXT_REPO_NAME, description="its name")
    branch: Branch = Field(GITHUB_REPO_BRANCH, description="its branch")


class GithubRepositorySettings(ServiceSettings):
    """The two legacy repositories."""

    image_github_repo: ImageGithubRepoSettings = ImageGithubRepoSettings()
    text_github_repo: TextGithubRepoSettings = TextGithubRepoSettings()


class GithubProxySettings(ServiceSettings):
    """What stands between this machine and the files on GitHub."""

    github_proxy_url_base: str = Field(
        "",
        validation_alias=AliasChoices(f"{ENV_PREFIX}GITHUB_PROXY_URL_BASE", "GITHUB_PROXY_URL_BASE"),
        description="put before every GitHub URL, with a slash; the name without the prefix works too",
    )


class GithubHostSettings(ServiceSettings):
    """The servers of GitHub, or of a GitHub Enterprise."""

    github_api_url: Address = Field(
        "https://api.github.com",
        validation_alias=AliasChoices(f"{SYNC_PREFIX}GITHUB_API_URL", f"{ENV_PREFIX}GITHUB_API_URL"),
        description="where the REST interface of GitHub is; `HORDE_GITHUB_SYNC_GITHUB_API_URL` works too",
    )
    github_raw_url: Address = Field(
        "https://raw.githubusercontent.com",
        validation_alias=AliasChoices(f"{SYNC_PREFIX}GITHUB_RAW_URL", f"{ENV_PREFIX}GITHUB_RAW_URL"),
        description="where the raw files of GitHub are; `HORDE_GITHUB_SYNC_GITHUB_RAW_URL` works too",
    )
