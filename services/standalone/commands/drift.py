"""Report what the legacy GitHub repositories have otherwise than the primary; nothing is written or imported.

Ends with status 0 when everything was compared, 1 when something could not be; with --exit-code, 3 when
there is a difference.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from service_kit.logging_setup import configure_logging
from service_kit.settings import load_settings
from standalone.commands.sync import address, categories
from sync_worker.command import run_once
from sync_worker.domain.drift import Drift
from sync_worker.opening import Mode
from sync_worker.reports import RunReport
from sync_worker.settings import SyncWorkerSettings

DIFFERENT: Final = 3
COMPARING: Final = Mode(dry_run=True, force=True)  # to look at a great loss is no danger


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what is compared, and how it is told."""
    parser.add_argument("--json", action="store_true", help="report as JSON, with the records themselves")
    parser.add_argument(
        "--exit-code", action="store_true", help="end with status 3 when there is a difference"
    )
    parser.add_argument(
        "--category",
        type=categories,
        action="extend",
        metavar="NAME[,NAME]",
        help="only these; may be repeated",
    )
    parser.add_argument(
        "--primary-url", type=address, metavar="URL", help="address of the primary, with /api"
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare and report. Raises `SettingsInvalid`."""
    settings = load_settings(SyncWorkerSettings)
    said = {"primary_api_url": arguments.primary_url, "categories_to_sync": arguments.category}
    settings = settings.model_copy(update={name: value for name, value in said.items() if value is not None})
    configure_logging("drift", "warning")
    reports = asyncio.run(run_once(settings, COMPARING))
    sys.stdout.write(_as_json(reports) if arguments.json else "\n".join(_as_text(reports)) + "\n")
    if any(report.has_failed for report in reports):
        return 1
    return DIFFERENT if arguments.exit_code and any(sum(report.totals.values()) for report in reports) else 0


def _as_json(reports: Sequence[RunReport]) -> str:
    shown = {
        "repositories": {
            report.target.full_name: {
                "revision": report.revision,
                "base": report.base_sha or None,
                "failures": dict(report.failures or {}),
                "categories": {category: _sides(drift) for category, drift in (report.drifts or {}).items()},
            }
            for report in reports
        }
    }
    return json.dumps(shown, indent=2) + "\n"


def _sides(drift: Drift) -> dict[str, Mapping[str, object]]:
    return {
        "only_on_github": drift.removed,
        "only_in_the_primary": drift.added,
        "different_in_the_primary": drift.modified,
    }


def _as_text(reports: Sequence[RunReport]) -> Iterator[str]:
    for report in reports:
        as_of = "" if report.revision is None else f" and revision {report.revision}"
        yield f"{report.target.full_name} at {report.base_sha or 'an unknown commit'}{as_of}"
        for category, drift in (report.drifts or {}).items():
            if not drift.total:
                yield f"  {category}: no difference"
                continue
            yield f"  {category}: {drift.total} differences"
            for side, records in _sides(drift).items():
                yield from (f"    {side.replace('_', ' ')}: {json.dumps(name)}" for name in sorted(records))
        yield from (f"  FAILED {what}: {why}" for what, why in (report.failures or {}).items())
