"""Keeps one repository in step: one run at a time, whenever its agenda says so."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from service_kit.errors import ServiceError
from service_kit.log_context import Causes
from sync_worker.domain.agenda import Agenda, AgendaTimes
from sync_worker.reports import Result, RunReport
from sync_worker.targets import Target

OnReport = Callable[[RunReport], None]
BUG: Final = "a fault of the sync-worker itself, see its log"

log = logging.getLogger(__name__)


class NotCarried(ServiceError):
    """A change was not carried over to GitHub."""

    status, retryable = 503, True


class Run(Protocol):
    """One run for a repository; see `sync_worker.runs.RepositoryRun`."""

    @property
    def target(self) -> Target:
        """The repository."""

    def __call__(self, min_revision: int | None = None) -> Awaitable[RunReport]:
        """Run once, and return what came of it."""


class Keeper:
    """`run` has to run as a task beside it; `on_report` is called after each run, and must not raise."""

    def __init__(
        self,
        run: Run,
        times: AgendaTimes,
        on_report: OnReport,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._run = run
        self._on_report = on_report
        self._wall = wall
        self._agenda = Agenda(times, clock)
        self._stirred = asyncio.Event()
        self._causes = Causes()
        self._ended = asyncio.Condition()
        self._runs_begun = 0
        self._runs_ended = 0
        self.last: RunReport | None = None
        self.last_success: RunReport | None = None

    @property
    def target(self) -> Target:
        """The repository."""
        return self._run.target

    @property
    def failures(self) -> int:
        """The number of runs that failed one after another."""
        return self._agenda.failures

    def hear(self, revision: int | None) -> None:
        """Compare soon: there is a change, perhaps."""
        self._causes.note()
        self._agenda.hear(revision)
        self._stirred.set()

    def hear_of(self, revision: int | None) -> None:
        """Compare soon if this is not the revision that was carried over, or heard of, last."""
        if self.last_success is None or revision == self._agenda.owed is not None:
            return
        if revision is None:
            if not self._agenda.is_pending:
                self.hear(None)
        elif revision != self.last_success.revision:
            self.hear(revision)

    def note_activity(self) -> None:
        """Wait a little longer with a change that was heard of: others follow it."""
        self._agenda.note_activity()
        self._stirred.set()

    async def carry(self, revision: int, told_at: datetime, *, is_repeated: bool = False) -> None:
        """Return when a change is carried over. Raises `NotCarried` when the run for it failed.

        What is told again while runs fail waits for the next one, and does not make it earlier.
        """
        if self._has_carried(revision, told_at):
            return
        if is_repeated and self._agenda.failures:
            self._agenda.owe(revision)
        else:
            self.hear(revision)
        begun = self._runs_begun
        async with self._ended:
            await self._ended.wait_for(lambda: self._runs_ended > begun or not self._agenda.is_pending)
            if self._runs_ended <= begun:  # a run that had begun before made an end of the failures
                self.hear(revision)
                await self._ended.wait_for(lambda: self._runs_ended > begun)
        if self.last is not None and self.last.has_failed:
            why = "; ".join(f"{what}: {why}" for what, why in (self.last.failures or {}).items())
            raise NotCarried(f"revision {revision}: {why}")

    def _has_carried(self, revision: int, told_at: datetime) -> bool:
        done = self.last_success
        if done is None or done.revision is None:
            return False
        return revision <= done.revision and told_at < done.started_at

    async def run(self) -> None:
        """Run whenever it is due, until cancelled."""
        while True:
            await self._until_due()
            demanded = self._agenda.begin()
            self._runs_begun += 1
            with self._causes.acting():
                await self._take(await self._run_once(demanded), demanded)

    async def _run_once(self, demanded: int | None) -> RunReport:
        try:
            return await self._run(demanded)
        except Exception:  # top of a background loop: a bug must not end it unnoticed
            log.exception("%s: the run broke off", self.target.full_name)
            failures = {self.target.full_name: BUG}
            return RunReport(self.target, Result.failed, datetime.now(UTC), failures=failures)

    async def _take(self, report: RunReport, demanded: int | None) -> None:
        self.last = report
        _log_run(report)
        if report.has_failed:
            self._agenda.fail(max(0.0, report.not_before - self._wall()))
        else:
            self._agenda.succeed(demanded)
            self.last_success = report
        self._runs_ended = self._runs_begun
        self._on_report(report)
        async with self._ended:
            self._ended.notify_all()

    async def _until_due(self) -> None:
        while (wait_seconds := self._agenda.wait_seconds) > 0:
            self._stirred.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._stirred.wait()


def _log_run(report: RunReport) -> None:
    fields: dict[str, object] = {"repository": report.target.full_name, "revision": report.revision}
    if report.pull is not None:
        fields["pull_request"] = report.pull.number
    if report.has_failed:
        fields["failures"] = dict(report.failures or {})
    level = logging.WARNING if report.has_failed else logging.INFO
    log.log(level, "%s: %s", report.target.full_name, report.result.value, extra={"fields": fields})
