"""What a client of the library is to do; it travels as JSON on a command line."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Self

Sides = tuple[tuple[str, str], ...]
"""The two records of a pair: category and name of each."""


@dataclass(frozen=True, slots=True)
class ClientPlan:
    """`threads` and `tasks` are readers. `once`: one read, then the end; else until it is told to end.

    `leaves_at_once`: without waiting for its readers.
    """

    name: str
    pairs: dict[str, Sides]
    strategy: str = "lazy"
    threads: int = 0
    tasks: int = 0
    offline: bool = False
    forks: bool = False
    once: bool = False
    leaves_at_once: bool = False
    reads_legacy: bool = False

    @property
    def categories(self) -> list[str]:
        """The categories of all pairs."""
        return sorted({category for sides in self.pairs.values() for category, _ in sides})

    @property
    def loose(self) -> frozenset[str]:
        """The pairs that may be torn: offline each category is a file of its own."""
        pairs = self.pairs if self.offline else {}
        return frozenset(
            name for name, sides in pairs.items() if len({category for category, _ in sides}) > 1
        )

    def sides_in(self, category: str) -> dict[str, list[str]]:
        """Return the records of each pair that are in a category."""
        found = {pair: [name for own, name in sides if own == category] for pair, sides in self.pairs.items()}
        return {pair: names for pair, names in found.items() if names}

    def render(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        given = json.loads(text)
        pairs = {pair: tuple((side[0], side[1]) for side in sides) for pair, sides in given["pairs"].items()}
        return cls(**{**given, "pairs": pairs})
