"""Settings of the sync-worker and of the commands that compare with GitHub (sync.md section 11)."""

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from horde_model_reference.meta_consts import all_category_names
from service_kit.settings import AmqpSettings, TextList
from sync_worker.github.settings import PREFIX, GithubSettings

PRIMARY_API_URL: Final = f"{PREFIX}PRIMARY_API_URL"
CATEGORIES_TO_SYNC: Final = f"{PREFIX}CATEGORIES_TO_SYNC"
OUTPUT_DIR: Final = f"{PREFIX}OUTPUT_DIR"


def checked_primary_url(url: str) -> str:
    """Return the address without a slash at its end. Raises `ValueError`."""
    if not re.fullmatch(r"(https?://[^\s/?#@]+(/[^\s?#]*)?)?", url):
        raise ValueError("must be an http:// or https:// address without user, query and fragment")
    return url.rstrip("/")


def known_categories(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names. Raises `ValueError` for one that is no category."""
    unknown = sorted(set(names) - set(all_category_names()))
    if unknown:
        raise ValueError(f"there is no category {', '.join(unknown)}")
    return names


class SyncWorkerSettings(GithubSettings):
    """What is compared, how often, and what may come of it. Loaded once, in the main program."""

    amqp: AmqpSettings = AmqpSettings()
    primary_api_url: Annotated[str, AfterValidator(checked_primary_url)] = Field(
        "",
        validation_alias=PRIMARY_API_URL,
        description="address of the primary with `/api`, shown in the pull requests; only `serve` needs none",
    )
    primary_api_timeout: float = Field(
        30.0,
        validation_alias=f"{PREFIX}PRIMARY_API_TIMEOUT",
        gt=0,
        description="seconds for one attempt to ask the primary",
    )
    categories_to_sync: Annotated[TextList, AfterValidator(known_categories)] = Field(
        (),
        validation_alias=CATEGORIES_TO_SYNC,
        description="categories that are compared; none: all that have a file on GitHub",
    )
    min_changes_threshold: int = Field(
        1,
        validation_alias=f"{PREFIX}MIN_CHANGES_THRESHOLD",
        description="fewer changed records in a repository open no pull request; at least 1",
    )
    max_removed_percent: float = Field(
        20.0,
        validation_alias=f"{PREFIX}MAX_REMOVED_PERCENT",
        ge=0,
        le=100,
        description="a category that would lose a larger part of its models is refused",
    )
    dry_run: bool = Field(
        False,
        validation_alias=f"{PREFIX}DRY_RUN",
        description="compare and report, and write nothing",
    )
    no_pr: bool = Field(
        False,
        validation_alias=f"{PREFIX}NO_PR",
        description="write files and a diff to a folder instead of GitHub",
    )
    output_dir: Path | None = Field(None, validation_alias=OUTPUT_DIR, description="that folder")
    verbose_logging: bool = Field(False, validation_alias=f"{PREFIX}VERBOSE_LOGGING", description="log more")
    watch_mode: bool = Field(
        False,
        validation_alias=f"{PREFIX}WATCH_MODE",
        description="`sync` goes on until it is stopped, and `serve` does this beside the rest",
    )
    watch_interval_seconds: float = Field(
        60.0,
        validation_alias=f"{PREFIX}WATCH_INTERVAL_SECONDS",
        gt=0,
        description="interval of asking the primary for a new revision where no events come",
    )
    watch_initial_delay_seconds: float = Field(
        0.0,
        validation_alias=f"{PREFIX}WATCH_INITIAL_DELAY_SECONDS",
        ge=0,
        description="`sync --watch` waits before it begins",
    )
    watch_enable_startup_sync: bool = Field(
        False,
        validation_alias=f"{PREFIX}WATCH_ENABLE_STARTUP_SYNC",
        description="accepted and ignored: everything is always compared at the start",
    )
    sync_temp_dir: str = Field(
        "",
        validation_alias=f"{PREFIX}SYNC_TEMP_DIR",
        description="accepted and ignored: there is no working copy",
    )
    target_clone_dir: str = Field(
        "",
        validation_alias=f"{PREFIX}TARGET_CLONE_DIR",
        description="accepted and ignored: there is no working copy",
    )
    quiet_seconds: float = Field(
        60.0,
        validation_alias=f"{PREFIX}QUIET_SECONDS",
        ge=0,
        description="a change is carried over when no other came for so long",
    )
    max_quiet_seconds: float = Field(
        600.0,
        validation_alias=f"{PREFIX}MAX_QUIET_SECONDS",
        ge=0,
        description="and after this even if others keep coming",
    )
    full_comparison_seconds: float = Field(
        21_600.0,
        validation_alias=f"{PREFIX}FULL_COMPARISON_SECONDS",
        gt=0,
        description="interval of comparing everything, whatever was heard",
    )
    first_retry_seconds: float = Field(
        60.0,
        validation_alias=f"{PREFIX}FIRST_RETRY_SECONDS",
        gt=0,
        description="pause after a failed run; doubled after each further one",
    )
    max_retry_seconds: float = Field(
        1800.0, validation_alias=f"{PREFIX}MAX_RETRY_SECONDS", gt=0, description="longest such pause"
    )
    run_seconds: float = Field(
        1500.0,
        validation_alias=f"{PREFIX}RUN_SECONDS",
        gt=0,
        description="a run that takes longer has failed",
    )
