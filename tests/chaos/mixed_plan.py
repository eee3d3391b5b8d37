"""Which part gets which fault, when, and for how long: drawn from a seed, so that a run can be repeated."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

How = Literal["kill", "freeze", "cut off", "black hole"]

SERVICE_FAULTS: Final[Sequence[How]] = ("kill", "freeze")
SERVER_FAULTS: Final[Sequence[How]] = ("kill", "freeze", "cut off", "black hole")
FAULT_SECONDS: Final = (2.0, 7.0)
CALM_SECONDS: Final = (2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one part. `cut off`: connections to it are refused; `black hole`: nothing passes."""

    part: str
    how: How
    seconds: float
    calm_seconds: float


def faults(services: Sequence[str], servers: Sequence[str], chance: random.Random) -> Iterator[Fault]:
    """Yield faults without end: each that there is once, in any order, then each once more."""
    possible: Mapping[str, Sequence[How]] = {
        **dict.fromkeys(services, SERVICE_FAULTS),
        **dict.fromkeys(servers, SERVER_FAULTS),
    }
    deck = [(part, how) for part, hows in possible.items() for how in hows]
    while deck:
        chance.shuffle(deck)
        for part, how in deck:
            yield Fault(part, how, chance.uniform(*FAULT_SECONDS), chance.uniform(*CALM_SECONDS))
