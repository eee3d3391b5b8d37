"""What was measured of single requests; processes hand it on as JSON."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

NOT_KNOWN: Final = 0


class Sample(NamedTuple):
    """One request: when it was due (seconds of the run), and how long after that its answer was there.

    `outcome` is the status, or the name of the error; `revision` that of the answer, 0 without one.
    """

    at: float
    kind: str
    milliseconds: float
    outcome: str
    revision: int = NOT_KNOWN

    @property
    def failed(self) -> bool:
        """Whether it was not answered as it should be: an error, or a status from 400 on."""
        return not (self.outcome.isdecimal() and int(self.outcome) < 400)


def as_lists(samples: Sequence[Sample]) -> list[list[object]]:
    """Return samples as JSON arrays."""
    return [
        [round(one.at, 4), one.kind, round(one.milliseconds, 3), one.outcome, one.revision] for one in samples
    ]


def from_lists(lists: Iterable[Sequence[object]]) -> list[Sample]:
    """Read what `as_lists` made."""
    return [Sample(*one) for one in lists]  # type: ignore[arg-type]  # from a file of ours
