"""What comes next: kinds of requests in their shares, from clients of different manners."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from load.targets import Target, What

Kind = Literal["conditional document", "record", "document", "search", "statistics", "at least a revision"]

SHARES: Final[dict[Kind, float]] = {
    "conditional document": 0.45,  # who comes again says what it has, and mostly is told 304
    "record": 0.34,
    "document": 0.16,  # for the first time, or by programs that keep nothing
    "search": 0.03,
    "statistics": 0.01,
    "at least a revision": 0.01,
}
"""Reads only: 95 % of the popular documents and records. Writes have a rate of their own."""

CODINGS: Final[dict[str, float]] = {
    "gzip, deflate, br": 0.45,  # browsers, aiohttp
    "gzip, deflate": 0.40,  # requests, httpx
    "": 0.15,  # curl, urllib
}
_KIND_OF_TARGET: Final[dict[Kind, tuple[What, ...]]] = {
    "conditional document": ("v1", "v2"),
    "record": ("record",),
    "document": ("v1", "v2"),
    "search": ("search",),
    "statistics": ("statistics",),
    "at least a revision": ("record",),
}


@dataclass(slots=True)
class Reader:
    """One client, as it remembers: the validators it was given, and which bytes belong to them."""

    number: int
    coding: str
    etags: dict[str, tuple[str, str]] = field(default_factory=dict)
    newest: int = 0


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    kind: Kind
    target: Target
    reader: Reader


class Mix:
    """Chooses requests; two with the same seed and targets choose the same ones.

    A kind without targets is left out.
    """

    def __init__(self, targets: Sequence[Target], *, readers: int, seed: int) -> None:
        self._chance = random.Random(seed)
        self.readers = [
            Reader(n, _chosen(self._chance, list(CODINGS), list(CODINGS.values()))) for n in range(readers)
        ]
        self._choices: dict[Kind, tuple[list[Target], list[float]]] = {}
        for kind, whats in _KIND_OF_TARGET.items():
            fitting = [target for target in targets if target.what in whats]
            if fitting:
                weights = itertools.accumulate(target.weight for target in fitting)
                self._choices[kind] = (fitting, list(weights))
        self._kinds = list(self._choices)
        self._kind_weights = list(itertools.accumulate(SHARES[kind] for kind in self._kinds))

    def next(self) -> Ask:
        """Return the next request."""
        kind = self._chance.choices(self._kinds, cum_weights=self._kind_weights)[0]
        targets, weights = self._choices[kind]
        target = self._chance.choices(targets, cum_weights=weights)[0]
        return Ask(kind, target, self._chance.choice(self.readers))


def _chosen(chance: random.Random, values: list[str], weights: list[float]) -> str:
    return chance.choices(values, weights)[0]
