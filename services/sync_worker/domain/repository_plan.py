"""What the files of one repository should be: the plans of its categories together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sync_worker.domain.category_plan import CategoryOutcome, PlanOptions, plan_category, repository_files
from sync_worker.domain.drift import Drift


@dataclass(frozen=True, slots=True)
class RepositoryPlan:
    """The outcomes of the categories that were compared, in their order, and why others were not."""

    present: Mapping[str, bytes | None]
    outcomes: tuple[CategoryOutcome, ...]
    unread: Mapping[str, str]

    @property
    def files(self) -> dict[str, bytes]:
        """The files that have to change, by path."""
        return {path: body for outcome in self.outcomes for path, body in outcome.files.items()}

    @property
    def changes(self) -> list[Drift]:
        """The drifts of the categories whose files have to change."""
        return [outcome.drift for outcome in self.outcomes if outcome.files and outcome.drift is not None]

    @property
    def drifts(self) -> dict[str, Drift]:
        """The drifts of all categories that could be compared, by category."""
        return {outcome.category: outcome.drift for outcome in self.outcomes if outcome.drift is not None}

    @property
    def failures(self) -> dict[str, str]:
        """The categories that could not be carried over, and why."""
        refused = {outcome.category: outcome.failure for outcome in self.outcomes if outcome.failure}
        return {**self.unread, **refused}

    @property
    def problems(self) -> list[str]:
        """Records that are not carried over, or not wholly, in a line each."""
        return [
            f"{outcome.category}: {problem.name}: {problem.path}: {problem.reason}"
            for outcome in self.outcomes
            for problem in outcome.problems
        ]


def paths_of(categories: Iterable[str]) -> tuple[str, ...]:
    """Return the paths of all files of the categories."""
    return tuple(path for category in categories for path in repository_files(category))


def plan_repository(
    bodies: Mapping[str, bytes],
    unread: Mapping[str, str],
    present: Mapping[str, bytes | None],
    options: PlanOptions,
) -> RepositoryPlan:
    """Plan every category whose document is there. Bad data are a failure of their category alone."""
    outcomes = tuple(
        plan_category(category, body, {path: present[path] for path in repository_files(category)}, options)
        for category, body in bodies.items()
    )
    return RepositoryPlan(present, outcomes, unread)
