"""Pull requests as GitHub has them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request; `branch` lies in the same repository. `head_sha` is kept when the branch is deleted."""

    number: int
    branch: str
    head_sha: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...]
    state: Literal["open", "closed"]
    merged: bool
    author: str
    url: str
    created_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether it waits for a decision."""
        return self.state == "open"
