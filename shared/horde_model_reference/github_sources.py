"""Where the legacy files live on GitHub (data-model.md section 1)."""

from typing import Final, NamedTuple

from horde_model_reference.meta_consts import GithubSource, get_all_registered_categories

GITHUB_REPO_OWNER: Final = "Haidra-Org"
GITHUB_IMAGE_REPO_NAME: Final = "AI-Horde-image-model-reference"
GITHUB_TEXT_REPO_NAME: Final = "AI-Horde-text-model-reference"
GITHUB_REPO_BRANCH: Final = "main"


class GithubRepository(NamedTuple):
    """One repository of legacy files. `proxy_url`, when set, is put before the full raw URL."""

    owner: str
    name: str
    branch: str = GITHUB_REPO_BRANCH
    proxy_url: str = ""

    @property
    def raw_base_url(self) -> str:
        """The URL below which the files of the branch lie, without a final slash."""
        url = f"https://raw.githubusercontent.com/{self.owner}/{self.name}/refs/heads/{self.branch}"
        return f"{self.proxy_url.rstrip('/')}/{url}" if self.proxy_url else url

    @property
    def clone_url(self) -> str:
        """The URL for `git clone`."""
        return f"https://github.com/{self.owner}/{self.name}.git"

    def raw_url(self, file_name: str) -> str:
        """Return the raw URL of a file."""
        return f"{self.raw_base_url}/{file_name}"


class GithubPlan(NamedTuple):
    """The two repositories, and how patiently they are asked: attempts in all, and the pause between them."""

    image: GithubRepository
    text: GithubRepository
    attempts: int
    backoff_seconds: float


IMAGE_REPOSITORY: Final = GithubRepository(GITHUB_REPO_OWNER, GITHUB_IMAGE_REPO_NAME)
TEXT_REPOSITORY: Final = GithubRepository(GITHUB_REPO_OWNER, GITHUB_TEXT_REPO_NAME)


def legacy_file_urls(
    image: GithubRepository = IMAGE_REPOSITORY, text: GithubRepository = TEXT_REPOSITORY
) -> dict[str, str]:
    """Return the raw URL of the legacy file of each category; a category without a source is left out."""
    repositories = {GithubSource.image: image, GithubSource.text: text}
    return {
        name: repositories[item.github_source].raw_url(item.legacy_filename)
        for name, item in get_all_registered_categories().items()
        if item.github_source is not None
    }
