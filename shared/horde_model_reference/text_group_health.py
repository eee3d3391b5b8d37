"""What is odd about a text model group (data-model.md section 8, http-read-api.md section 8.3)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from horde_model_reference.documents import Record

IssueType = Literal[
    "singleton_group", "inconsistent_baseline", "inconsistent_nsfw", "missing_baseline", "missing_description"
]


@dataclass(frozen=True, slots=True)
class HealthIssue:
    """One oddity of a group."""

    group_name: str
    issue_type: IssueType
    message: str
    severity: Literal["info", "warning"] = "warning"


def health_issues(group_name: str, records: Sequence[Record]) -> tuple[HealthIssue, ...]:
    """Look for oddities in the canonical records of a group; always in the same order."""
    return tuple(_issues(group_name, records))


def _issues(group: str, records: Sequence[Record]) -> Iterator[HealthIssue]:
    if len(records) == 1:
        yield HealthIssue(group, "singleton_group", "the group has one member only")
    given = (record.get("baseline") for record in records)
    baselines = sorted(
        {name for name in given if name and isinstance(name, str)}
    )  # others may come from afar
    if len(baselines) > 1:
        yield HealthIssue(group, "inconsistent_baseline", f"the members have {', '.join(baselines)}")
    if len({bool(record.get("nsfw")) for record in records}) > 1:
        yield HealthIssue(group, "inconsistent_nsfw", "some members are nsfw, others are not")
    without_baseline = sum(not record.get("baseline") for record in records)
    if without_baseline:
        yield HealthIssue(group, "missing_baseline", f"{without_baseline} of {len(records)} have no baseline")
    without_description = sum(not record.get("description") for record in records)
    if without_description:
        message = f"{without_description} of {len(records)} have no description"
        yield HealthIssue(group, "missing_description", message, "info")
