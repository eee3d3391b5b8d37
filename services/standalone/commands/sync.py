"""Bring the legacy GitHub repositories in step with the primary by pull requests: once, or until stopped.

Ends with status 1 when anything that should be compared could not be, or was refused. What an option leaves
open is said by the variables HORDE_GITHUB_SYNC_*.
"""

import argparse
import asyncio
import math
import sys
from pathlib import Path
from typing import Any, Final

from service_kit.logging_setup import configure_logging
from service_kit.settings import SettingsInvalid, load_settings
from sync_worker.command import run_once, run_until_stopped
from sync_worker.opening import Mode
from sync_worker.reports import RunReport
from sync_worker.settings import SyncWorkerSettings, checked_primary_url, known_categories

LOG_NAME: Final = "sync"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what may be said otherwise than in the settings."""
    how_often = parser.add_mutually_exclusive_group()
    how_often.add_argument("--once", action="store_true", help="compare once, and end (this is the default)")
    how_often.add_argument("--watch", action="store_true", help="go on until Ctrl-C or SIGTERM")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="compare and report, write nothing")
    what.add_argument(
        "--offline", type=Path, metavar="DIR", help="write the changed files and changes.diff to a folder"
    )
    what.add_argument("--no-pr", action="store_true", help="the same, to the folder of --output-dir")
    parser.add_argument("--output-dir", type=Path, metavar="DIR", help="the folder of --no-pr")
    parser.add_argument(
        "--category",
        "--categories",
        dest="categories",
        type=categories,
        action="extend",
        metavar="NAME[,NAME]",
        help="compare only these categories; may be repeated",
    )
    parser.add_argument(
        "--force", action="store_true", help="carry over few changes and many removals all the same"
    )
    parser.add_argument(
        "--primary-url", type=address, metavar="URL", help="address of the primary, with /api"
    )
    parser.add_argument("--watch-interval", type=seconds, metavar="SECONDS", help="how often --watch asks it")
    parser.add_argument("--verbose", action="store_true", help="log more")
    parser.add_argument("--watch-startup-sync", action="store_true", help=argparse.SUPPRESS)  # always done
    parser.add_argument("--target-dir", help=argparse.SUPPRESS)  # there is no working copy any more


def run(arguments: argparse.Namespace) -> int:
    """Compare, act, report. Raises `SettingsInvalid`."""
    settings = _with_options(load_settings(SyncWorkerSettings), arguments)
    configure_logging(LOG_NAME, "debug" if settings.verbose_logging else "warning")
    mode = _mode(settings, arguments)
    if settings.watch_mode and not arguments.once:
        if arguments.force:
            raise SettingsInvalid("--force is for one run that a human looks at: say --once, and not --watch")
        asyncio.run(run_until_stopped(settings, mode, _report))
        return 0
    reports = asyncio.run(run_once(settings, mode))
    for report in reports:
        _report(report)
    return 1 if any(report.has_failed for report in reports) else 0


def _with_options(settings: SyncWorkerSettings, arguments: argparse.Namespace) -> SyncWorkerSettings:
    """Return the settings with what the options say; those were checked when they were parsed."""
    said: dict[str, Any] = {
        "primary_api_url": arguments.primary_url,
        "categories_to_sync": tuple(arguments.categories) if arguments.categories else None,
        "dry_run": arguments.dry_run or None,
        "no_pr": arguments.no_pr or None,
        "output_dir": arguments.output_dir,
        "watch_mode": arguments.watch or None,
        "watch_interval_seconds": arguments.watch_interval,
        "verbose_logging": arguments.verbose or None,
    }
    return settings.model_copy(update={name: value for name, value in said.items() if value is not None})


def _mode(settings: SyncWorkerSettings, arguments: argparse.Namespace) -> Mode:
    folder = arguments.offline
    if folder is None and settings.no_pr and not arguments.dry_run:
        folder = settings.output_dir
        if folder is None:
            raise SettingsInvalid("where to write is missing: --offline DIR, or HORDE_GITHUB_SYNC_OUTPUT_DIR")
    return Mode(dry_run=settings.dry_run and folder is None, offline=folder, force=arguments.force)


def _report(report: RunReport) -> None:
    sys.stdout.write("\n".join(report.lines()) + "\n")
    sys.stdout.flush()


def categories(text: str) -> list[str]:
    """Return the names, which stand between commas. Raises `ArgumentTypeError`."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:  # an empty variable of a script must not come to mean all of them
        raise argparse.ArgumentTypeError("names no category")
    try:
        return list(known_categories(names))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def address(text: str) -> str:
    """Return the address of a primary. Raises `ArgumentTypeError`."""
    try:
        return checked_primary_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def seconds(text: str) -> float:
    """Return a time above 0. Raises `ArgumentTypeError`."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError("must be a number of seconds above 0")
    return value
