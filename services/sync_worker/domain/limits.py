"""What keeps a pull request from being made: too little to tell, or too much to lose (sync.md section 5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sync_worker.domain.drift import Drift

HARMLESS_LOSS: Final = 5
"""So many models a category may lose whatever the percentage."""


class CategoryRefused(ValueError):
    """A category that must not be carried over as it is; the text says why, without line breaks."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How many models go, `of` how many on GitHub, and how many the primary has."""

    lost: int
    of: int
    wanted: int


def require_harmless(loss: Loss, *, max_removed_percent: float, force: bool) -> None:
    """Refuse a category that the primary shows empty, or that would lose too much.

    `force` allows both, for a run that a human watches. Raises `CategoryRefused`.
    """
    if force or not loss.of:
        return
    if not loss.wanted:
        raise CategoryRefused(f"the primary shows no model at all, and GitHub has {loss.of}")
    if loss.lost > HARMLESS_LOSS and loss.lost * 100 > loss.of * max_removed_percent:
        raise CategoryRefused(
            f"{loss.lost} of {loss.of} models would be removed,"
            f" more than {max_removed_percent:g} percent and more than {HARMLESS_LOSS} models"
        )


def is_worth_a_pull_request(drifts: Iterable[Drift], min_changes: int, *, force: bool) -> bool:
    """Say whether the changed categories of one repository reach the threshold together.

    Values below 1 count as 1; with `force` any change is enough. Nothing changed is never worth one.
    """
    total = sum(drift.total for drift in drifts)
    return total >= (1 if force else max(1, min_changes))
