"""One run for one repository: compare it with the primary, and do what is to be done about it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from service_kit.errors import ServiceError
from sync_worker.domain.category_plan import PlanOptions
from sync_worker.domain.repository_plan import RepositoryPlan, paths_of, plan_repository
from sync_worker.github.errors import BaseMoved, RateLimited
from sync_worker.github.git_objects import Base
from sync_worker.github.repository import Repository
from sync_worker.primary import DocumentSource, PrimaryDocuments
from sync_worker.pull_keeper import Kept, StateMoved
from sync_worker.reports import Result, RunReport
from sync_worker.targets import Target

BEGINNINGS: Final = 3
"""A run whose base or branch moves under it begins so often."""

Act = Callable[[Base, RepositoryPlan], Awaitable[Kept]]
"""What is done with a plan: keep a pull request, write a folder, or nothing.

Raises `ServiceError`, `OSError`.
"""

log = logging.getLogger(__name__)


async def compare_only(_base: Base, _plan: RepositoryPlan) -> Kept:
    """Do nothing with a plan."""
    return Kept(Result.compared)


@dataclass(frozen=True, slots=True)
class RepositoryRun:
    """Everything that a run for one repository needs. Two runs at once do each other no harm."""

    target: Target
    repository: Repository
    primary: DocumentSource
    act: Act
    options: PlanOptions = field(default_factory=PlanOptions)
    run_seconds: float = 1500.0

    async def __call__(self, min_revision: int | None = None) -> RunReport:
        """Run once; `min_revision` is the least revision that may be carried over.

        Raises nothing: what went wrong stands in the report.
        """
        report = RunReport(self.target, Result.failed, datetime.now(UTC))
        try:
            async with asyncio.timeout(self.run_seconds):
                return await self._compare(report, min_revision)
        except RateLimited as error:
            return self._failed(report, str(error), error.until)
        except ServiceError as error:
            return self._failed(report, str(error) or type(error).__name__)
        except TimeoutError:
            return self._failed(report, f"not done within {self.run_seconds:g} s")
        except OSError as error:
            return self._failed(report, error.strerror or type(error).__name__)

    def _failed(self, report: RunReport, why: str, not_before: float = 0.0) -> RunReport:
        return replace(report, failures={self.target.full_name: why}, not_before=not_before)

    async def _compare(self, report: RunReport, min_revision: int | None) -> RunReport:
        documents = await self.primary.documents(self.target.categories, min_revision)
        report = replace(report, revision=documents.revision)
        if not documents.bodies:
            return replace(report, failures=documents.failures)
        beginning = 1
        while True:
            try:
                return await self._against_base(report, documents)
            except (BaseMoved, StateMoved) as error:
                if beginning == BEGINNINGS:
                    raise
                log.info("%s: beginning again: %s", self.target.full_name, error)
            beginning += 1

    async def _against_base(self, report: RunReport, documents: PrimaryDocuments) -> RunReport:
        base = await self.repository.base(self.target.branch)
        present = await self.repository.files(base.tree_sha, paths_of(self.target.categories))
        plan = await asyncio.to_thread(
            plan_repository, documents.bodies, documents.failures, present, self.options
        )
        kept = await self.act(base, plan)
        return replace(
            report,
            result=Result.failed if plan.failures else kept.result,
            base_sha=base.commit_sha,
            drifts=plan.drifts,
            files=tuple(plan.files),
            failures=plan.failures,
            warnings=(*plan.problems, *kept.warnings),
            pull=kept.pull,
        )
