"""Runs of a repository whose every outcome a test decides."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

from horde_model_reference.meta_consts import GithubSource
from sync_worker.reports import Result, RunReport
from sync_worker.targets import Target

IMAGE = Target(GithubSource.image, "o", "image-models", "main", ("blip", "clip"))
TEXT = Target(GithubSource.text, "o", "text-models", "main", ("text_generation",))


@dataclass
class ScriptedRun:
    """Carries `revision` over, unless `failure` says why not; `gate` is what a run waits for."""

    target: Target = IMAGE
    revision: int | None = 1
    failure: str | None = None
    bug: Exception | None = None
    not_before: float = 0.0
    demanded: list[int | None] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def count(self) -> int:
        """The number of runs that began."""
        return len(self.demanded)

    async def __call__(self, min_revision: int | None = None) -> RunReport:
        self.demanded.append(min_revision)
        started_at = datetime.now(UTC)
        revision, failure = self.revision, self.failure
        await self.gate.wait()
        if self.bug is not None:
            raise self.bug
        if failure is not None:
            failures = {"blip": failure}
            return RunReport(
                self.target, Result.failed, started_at, failures=failures, not_before=self.not_before
            )
        return RunReport(self.target, Result.in_step, started_at, revision)
