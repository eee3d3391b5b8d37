"""What came of one run for one repository."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sync_worker.domain.drift import Drift
from sync_worker.github.pulls import PullRequest
from sync_worker.targets import Target


class Result(StrEnum):
    """What a run did for its repository."""

    in_step = "in_step"
    """Nothing differs, and no pull request of ours is open."""
    waiting = "waiting"
    """The open pull request says it all; nothing was written."""
    opened = "opened"
    updated = "updated"
    ended = "ended"
    """Nothing differs any more: what was open is closed."""
    too_little = "too_little"
    """There are fewer changes than a pull request is opened for."""
    compared = "compared"
    """A dry run."""
    rendered = "rendered"
    """The changed files were written to a folder."""
    failed = "failed"
    """There is a failure; what could be done was done all the same."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """One run. `failures` says why by category, or by the name of the repository for all of it.

    `not_before` (Unix seconds) is when GitHub wants to be asked again at the earliest.
    """

    target: Target
    result: Result
    started_at: datetime
    revision: int | None = None
    base_sha: str = ""
    drifts: Mapping[str, Drift] | None = None
    files: tuple[str, ...] = ()
    failures: Mapping[str, str] | None = None
    warnings: tuple[str, ...] = ()
    pull: PullRequest | None = None
    not_before: float = 0.0

    @property
    def has_failed(self) -> bool:
        """Whether anything was not done that should be."""
        return bool(self.failures)

    @property
    def totals(self) -> dict[str, int]:
        """The number of differences of each category that could be compared."""
        return {category: drift.total for category, drift in (self.drifts or {}).items()}

    def shown(self) -> dict[str, object]:
        """Return it as JSON members, for people and for the health body."""
        pull = self.pull
        return {
            "repository": self.target.full_name,
            "result": self.result.value,
            "at": self.started_at.isoformat(),
            "revision": self.revision,
            "base": self.base_sha or None,
            "drift": self.totals,
            "files": list(self.files),
            "failures": dict(self.failures or {}),
            "warnings": list(self.warnings),
            "pull_request": None
            if pull is None
            else {"number": pull.number, "branch": pull.branch, "url": pull.url},
        }

    def lines(self) -> list[str]:
        """Return it as lines for people."""
        as_of = "" if self.revision is None else f", revision {self.revision}"
        lines = [f"{self.target.full_name}: {self.result.value.replace('_', ' ')}{as_of}"]
        for category, drift in (self.drifts or {}).items():
            if drift.total:
                counts = (
                    f"{len(drift.added)} added, {len(drift.removed)} removed, {len(drift.modified)} modified"
                )
                lines.append(f"  {category}: {counts}")
        lines += [f"  writes {path}" for path in self.files]
        if self.pull is not None:
            lines.append(f"  pull request #{self.pull.number} {self.pull.url} ({self.pull.branch})")
        lines += [f"  warning: {warning}" for warning in self.warnings]
        lines += [f"  FAILED {what}: {why}" for what, why in (self.failures or {}).items()]
        return lines
