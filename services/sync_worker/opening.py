"""Makes the runs of both repositories out of the settings."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from service_kit.settings import SettingsInvalid
from service_kit.telemetry import Telemetry
from sync_worker.domain.agenda import AgendaTimes
from sync_worker.domain.category_plan import PlanOptions
from sync_worker.github.client import Github, open_github
from sync_worker.github.repository import Repository
from sync_worker.github.timing import GithubTiming
from sync_worker.offline import OfflineFolder
from sync_worker.primary import DocumentSource, PrimaryTiming, open_primary
from sync_worker.pull_keeper import PullKeeper, PullRules
from sync_worker.runs import Act, RepositoryRun, compare_only
from sync_worker.settings import OUTPUT_DIR, PRIMARY_API_URL, SyncWorkerSettings
from sync_worker.targets import Target, targets_of


@dataclass(frozen=True, slots=True)
class Mode:
    """What may come of a run: `offline` is a folder to write to instead of GitHub."""

    dry_run: bool = False
    offline: Path | None = None
    force: bool = False

    @property
    def writes_to_github(self) -> bool:
        """Whether pull requests are made."""
        return not self.dry_run and self.offline is None


@dataclass(frozen=True, slots=True)
class Patience:
    """How patiently the neighbours are asked; None: as the settings say. For tests."""

    primary: PrimaryTiming | None = None
    github: GithubTiming = field(default_factory=GithubTiming)


@dataclass(frozen=True, slots=True)
class Opened:
    """The runs, one for each repository, what they ask for the wanted documents, and GitHub."""

    runs: tuple[RepositoryRun, ...]
    primary: DocumentSource
    github: Github


def mode_of(settings: SyncWorkerSettings) -> Mode:
    """Return what may come of the runs of a service. Raises `SettingsInvalid`."""
    if settings.no_pr and not settings.dry_run:
        if settings.output_dir is None:
            raise SettingsInvalid(f"{OUTPUT_DIR} is missing: what is not written to GitHub is written there")
        return Mode(offline=settings.output_dir)
    return Mode(dry_run=settings.dry_run)


def require_complete(settings: SyncWorkerSettings, mode: Mode, *, asks_primary: bool = True) -> None:
    """Raise `SettingsInvalid` where a setting is missing without which nothing can be done."""
    targets_of(settings)
    if asks_primary and not settings.primary_api_url:
        raise SettingsInvalid(f"{PRIMARY_API_URL} is missing")
    if mode.writes_to_github and settings.credentials() is None:
        raise SettingsInvalid(
            "there is nothing to tell GitHub who we are: set GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY,"
            " or HORDE_GITHUB_SYNC_GITHUB_TOKEN"
        )


def agenda_times(settings: SyncWorkerSettings) -> AgendaTimes:
    """Return when runs are due."""
    return AgendaTimes(
        settings.quiet_seconds,
        settings.max_quiet_seconds,
        settings.full_comparison_seconds,
        settings.first_retry_seconds,
        settings.max_retry_seconds,
    )


@contextlib.asynccontextmanager
async def open_runs(
    settings: SyncWorkerSettings,
    mode: Mode,
    telemetry: Telemetry,
    patience: Patience | None = None,
    *,
    source: DocumentSource | None = None,
) -> AsyncIterator[Opened]:
    """Yield the runs. Neighbours that are down are no error before they are needed.

    `source` stands for the primary where it is not asked over HTTP. Raises `SettingsInvalid`.
    """
    require_complete(settings, mode, asks_primary=source is None)
    patience = patience or Patience()
    async with (
        _source(settings, patience, telemetry, source) as primary,
        open_github(settings, telemetry, timing=patience.github) as github,
    ):
        runs = []
        for target in targets_of(settings):
            repository = github.repository(target.owner, target.name)
            runs.append(
                RepositoryRun(
                    target,
                    repository,
                    primary,
                    _act(settings, mode, target, repository),
                    PlanOptions(settings.max_removed_percent, mode.force),
                    settings.run_seconds,
                )
            )
        yield Opened(tuple(runs), primary, github)


def _source(
    settings: SyncWorkerSettings, patience: Patience, telemetry: Telemetry, source: DocumentSource | None
) -> AbstractAsyncContextManager[DocumentSource]:
    if source is not None:
        return contextlib.nullcontext(source)
    timing = patience.primary or PrimaryTiming(settings.primary_api_timeout)
    return open_primary(settings.primary_api_url, timing, telemetry)


def _act(settings: SyncWorkerSettings, mode: Mode, target: Target, repository: Repository) -> Act:
    if mode.offline is not None:
        return OfflineFolder(mode.offline, target).render
    if mode.dry_run:
        return compare_only
    rules = PullRules(
        target.branch,
        settings.identity,
        settings.min_changes_threshold,
        mode.force,
        settings.pr_labels,
        settings.pr_reviewers,
        settings.pr_auto_assign_team,
        settings.primary_api_url,
    )
    return PullKeeper(repository, rules, lambda: datetime.now(UTC)).keep
