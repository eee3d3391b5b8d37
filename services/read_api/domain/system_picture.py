"""The whole system as one instance knows it: what works, what does not, and how far everybody is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar

from horde_model_reference.instance_facts import FiguresFact, QueueFact, RepositoryFact, RolesFact, WorkFact
from read_api.domain.components import READ_API, Component, Condition, components, is_ready
from read_api.domain.instance_board import InstanceBoard, Presence, Seen

Known = TypeVar("Known")

BEHIND_SECONDS: Final = 15.0
"""A new revision may take so long to reach an instance, and to be reported, before anybody is worried."""

FOLLOWERS: Final = frozenset({READ_API, "stats"})
"""The services whose answers are old while they are behind; others look for news when they are asked."""


class Overall(StrEnum):
    """How the system is doing, in a word."""

    operational = "operational"
    degraded = "degraded"
    down = "down"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why it is not operational, for programs and for people. It holds nothing that is secret."""

    code: str
    component: str
    text: str


@dataclass(frozen=True, slots=True)
class SystemPicture:
    """What is known. `head_revision` is the newest revision that anybody has."""

    seen: Sequence[Seen]
    components: Mapping[str, Component]
    head_revision: int | None
    reasons: Sequence[Reason]
    queue: QueueFact | None
    work: WorkFact | None
    roles: RolesFact | None
    figures: Sequence[FiguresFact]
    repositories: Sequence[RepositoryFact]
    unseeded: Sequence[str] | None

    @property
    def overall(self) -> Overall:
        """The word for it: nothing can be read, or something is amiss, or all is well."""
        if not any(is_ready(one, READ_API) for one in self.seen):
            return Overall.down
        return Overall.degraded if self.reasons else Overall.operational

    def lag(self, one: Seen) -> int | None:
        """Return how many revisions an instance is behind."""
        revision = one.report.revision
        if self.head_revision is None or revision is None:
            return None
        return self.head_revision - revision


def picture_of(board: InstanceBoard) -> SystemPicture:
    """Fold the last reports of all instances into one picture."""
    seen = board.seen()
    here = [one for one in seen if one.presence is Presence.live]
    newest = sorted(here, key=lambda one: (one.report.sequence or 0, one.report.occurred_at), reverse=True)
    reports = [one.report for one in newest]
    folded = components(seen, board.parts_ever)
    head = max((report.revision for report in reports if report.revision is not None), default=None)
    figures = _newest_figures(fact for report in reports for fact in report.figures)
    repositories = _newest_comparisons(fact for report in reports for fact in report.repositories)
    work = _first(report.work for report in reports)
    unseeded = _first(report.unseeded for report in reports)
    return SystemPicture(
        seen=seen,
        components=folded,
        head_revision=head,
        reasons=[
            *_reasons_of_components(folded),
            *_reasons_of_lag(_behind(board, here, head)),
            *_reasons_of_data(figures, work, repositories, unseeded or ()),
        ],
        queue=_first(report.queue for report in reports),
        work=work,
        roles=_first(report.roles for report in reports),
        figures=figures,
        repositories=repositories,
        unseeded=unseeded,
    )


def _first(facts: Iterable[Known | None]) -> Known | None:
    """Return what the instance says that is the furthest, of those that know it."""
    return next((fact for fact in facts if fact is not None), None)


def _behind(board: InstanceBoard, here: Sequence[Seen], head: int | None) -> Iterator[str]:
    """Yield the services of which an instance still lacked the head long after it was there."""
    if head is None:
        return
    worried_at = board.first_heard_at(head) + BEHIND_SECONDS
    for one in here:
        is_behind = one.report.revision is not None and one.report.revision < head
        if is_behind and one.heard_at >= worried_at:
            yield from (part for part in one.parts if part in FOLLOWERS)


def _newest_figures(facts: Iterable[FiguresFact]) -> list[FiguresFact]:
    newest: dict[str, FiguresFact] = {}
    for fact in facts:
        known = newest.get(fact.kind)
        if known is None or (
            fact.received_at is not None
            and (known.received_at is None or fact.received_at > known.received_at)
        ):
            newest[fact.kind] = fact
    return [newest[kind] for kind in sorted(newest)]


def _newest_comparisons(facts: Iterable[RepositoryFact]) -> list[RepositoryFact]:
    """Return one fact for each repository: of several workers, the one that compared last knows."""
    newest: dict[str, RepositoryFact] = {}
    for fact in facts:
        known = newest.get(fact.repository)
        if known is None or (
            fact.compared_at is not None
            and (known.compared_at is None or fact.compared_at > known.compared_at)
        ):
            newest[fact.repository] = fact
    return [newest[name] for name in sorted(newest)]


def _reasons_of_components(folded: Mapping[str, Component]) -> Iterator[Reason]:
    for name, component in folded.items():
        if component.condition is Condition.down:
            yield Reason("down", name, f"{name} does not answer")
        elif component.condition is Condition.degraded:
            yield Reason("degraded", name, f"{name}: {component.ready} of {component.total} in order")


def _reasons_of_lag(behind: Iterable[str]) -> Iterator[Reason]:
    for part in sorted(set(behind)):
        yield Reason("behind", part, f"an instance of {part} does not have the newest revision")


def _reasons_of_data(
    figures: Iterable[FiguresFact],
    work: WorkFact | None,
    repositories: Iterable[RepositoryFact],
    unseeded: Sequence[str],
) -> Iterator[Reason]:
    for fact in figures:
        if fact.stale or fact.received_at is None:
            yield Reason("old_figures", "ai_horde", f"the figures of {fact.kind} models are old, or missing")
    if work is not None and work.dead_letters:
        yield Reason("dead_letters", "sync-worker", f"{work.dead_letters} events could not be carried over")
    for repository in repositories:
        if repository.failures:
            yield Reason("not_compared", "github", f"{repository.repository} is not kept in step")
    for category in unseeded:
        yield Reason("never_seeded", READ_API, f"the category {category} was never seeded")
