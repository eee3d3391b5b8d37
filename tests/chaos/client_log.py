"""What clients did and what they were told: the other half of what the checker compares with the journal."""

import itertools
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["accepted", "refused", "unknown"]
Action = Literal["propose", "decide", "apply"]


@dataclass(slots=True)
class Operation:
    """One thing a client wanted, however often it sent it.

    `marker` is in the journal if the operation is: in the description of a proposal, the title of a
    decision, the job id of an apply. `change_ids` are those decided or applied, or the one that a
    proposal got. `verdict` is the worst that can be said: accepted as soon as one sending was, refused only
    if every sending was.
    """

    action: Action
    marker: str
    change_ids: tuple[int, ...] = ()
    verdict: Verdict = "unknown"
    sendings: int = 0
    statuses: list[int | str] = field(default_factory=list)

    def note(self, verdict: Verdict, status: int | str) -> None:
        """Add what one sending came to."""
        self.sendings += 1
        self.statuses.append(status)
        if self.sendings == 1 or verdict == "accepted":
            self.verdict = verdict
        elif self.verdict == "refused" and verdict == "unknown":
            self.verdict = "unknown"


class ClientLog:
    """All operations of all clients of a run."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._numbers = itertools.count(1)

    def begin(self, action: Action, change_ids: tuple[int, ...] = ()) -> Operation:
        """Return a new operation with a marker of its own."""
        operation = Operation(action, self.fresh(action), change_ids)
        self.operations.append(operation)
        return operation

    def fresh(self, kind: str) -> str:
        """Return a name that was never used in this run."""
        return f"{kind}-{next(self._numbers)}"

    def counts(self) -> dict[str, int]:
        """Return how many operations came to what."""
        found: dict[str, int] = {}
        for operation in self.operations:
            name = f"{operation.action} {operation.verdict}"
            found[name] = found.get(name, 0) + 1
        return dict(sorted(found.items()))
