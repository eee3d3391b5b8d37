"""Which repository holds the files of which categories (sync.md section 2)."""

from dataclasses import dataclass

from horde_model_reference.meta_consts import GithubSource, get_category_descriptor
from registry.github_settings import ImageGithubRepoSettings, TextGithubRepoSettings
from service_kit.settings import SettingsInvalid
from sync_worker.domain.category_plan import synced_categories
from sync_worker.settings import CATEGORIES_TO_SYNC, SyncWorkerSettings


@dataclass(frozen=True, slots=True)
class Target:
    """One legacy repository, and its categories that are kept in step, in their order."""

    source: GithubSource
    owner: str
    name: str
    branch: str
    categories: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """The repository as GitHub writes it: `owner/name`."""
        return f"{self.owner}/{self.name}"


def targets_of(settings: SyncWorkerSettings) -> tuple[Target, ...]:
    """Return the repositories that there is something to do for.

    Categories without a file on GitHub are skipped; raises `SettingsInvalid` when no other is left.
    """
    chosen = set(settings.categories_to_sync or synced_categories())
    targets = (
        _target(GithubSource.image, settings.image_github_repo, chosen),
        _target(GithubSource.text, settings.text_github_repo, chosen),
    )
    found = tuple(target for target in targets if target.categories)
    if not found:
        raise SettingsInvalid(
            f"{CATEGORIES_TO_SYNC}: none of {', '.join(sorted(chosen))} has a file on GitHub"
        )
    return found


def _target(
    source: GithubSource, repository: ImageGithubRepoSettings | TextGithubRepoSettings, chosen: set[str]
) -> Target:
    categories = tuple(
        name
        for name in synced_categories()
        if name in chosen and get_category_descriptor(name).github_source is source
    )
    return Target(source, repository.owner, repository.name, repository.branch, categories)
