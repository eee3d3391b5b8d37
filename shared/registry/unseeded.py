"""What was never seeded is seen, and tried again until nothing is missing (sync.md section 13)."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from horde_model_reference.documents import SourceUnreadable
from registry.seeding import SeedOutcome, never_written
from registry.sources import one_line_of
from registry.state import State
from service_kit.errors import NotReady, ServiceError
from service_kit.health import Check

NOT_ALLOWED: Final = "it was never seeded, and GitHub must not be asked"
LONGEST_EMPTY_SECONDS: Final = 60.0
"""Longest pause while there is nothing to serve: somebody else may have filled the journal meanwhile."""

log = logging.getLogger(__name__)

CountTry = Callable[[str], None]
"""Takes how a try ended: `done` or `failed`."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """Pauses between the tries: doubled each time, a random part of the second half is left out."""

    first_seconds: float = 5.0
    max_seconds: float = 1800.0

    def after(self, tries: int) -> float:
        """Return how long to wait after that many failed tries."""
        longest = min(self.first_seconds * 2.0 ** min(tries - 1, 32), self.max_seconds)
        return longest * random.uniform(0.5, 1)  # noqa: S311 - spreads load, keeps no secret


@dataclass(frozen=True, slots=True)
class Filled:
    """What a try to seed what is missing came to: the state after it, and why categories still miss."""

    state: State
    failures: Mapping[str, str]

    @classmethod
    def of(cls, outcome: SeedOutcome | None, before: State) -> "Filled":
        """Return what an outcome says; of none that nothing was done."""
        return cls(before, {}) if outcome is None else cls(outcome.state, outcome.failures)

    @property
    def missing(self) -> Mapping[str, str]:
        """The categories that are still missing, and why."""
        return {name: self.failures.get(name, NOT_ALLOWED) for name in never_written(self.state)}


class SeedStanding:
    """Which categories were never seeded, and why; `check` shows them, the others are served all the same."""

    def __init__(self, count_try: CountTry) -> None:
        self.missing: Mapping[str, str] = {}
        self.check = Check("seeding", self._require_all, required=False)
        self._count_try = count_try

    def note(self, missing: Mapping[str, str]) -> None:
        """Take what is missing now."""
        self.missing = missing

    def tried(self, missing: Mapping[str, str]) -> None:
        """Take what is missing after a try, and count it."""
        self.missing = missing
        self._count_try("failed" if missing else "done")

    async def _require_all(self) -> None:
        if self.missing:
            raise NotReady(f"not seeded: {one_line_of(self.missing)}")


async def already_proven() -> None:
    """Do nothing: whoever seeds here has proven the store before."""


@dataclass(frozen=True, slots=True)
class Filler:
    """How what is missing is seeded: `fill` tries it once, `prove` before that raises for an unsafe store.

    `is_curable`: where files cannot be had, waiting may help.
    """

    fill: Callable[[], Awaitable[Filled]]
    prove: Callable[[], Awaitable[object]] = already_proven
    is_curable: bool = True


class Seeding:
    """Seeds what was never written: `look`, `first` for an empty journal, then `run` beside the rest."""

    def __init__(self, filler: Filler, standing: SeedStanding, pauses: Pauses | None = None) -> None:
        self._filler = filler
        self._standing = standing
        self._pauses = pauses or Pauses()

    def look(self, state: State) -> None:
        """Take what is missing in a state, without trying to get it."""
        self._standing.note(dict.fromkeys(never_written(state), "it is about to be seeded"))

    async def first(self) -> None:
        """Fill an empty journal in a proven store, until some of it is there or somebody else has filled it.

        Raises `SourceUnreadable` where waiting does not cure it, and what appending raises.
        """
        tries = 0
        while True:
            try:
                return await self._fill()
            except SourceUnreadable as error:
                if not self._filler.is_curable:
                    raise
                self._failed(error)
            tries += 1
            await asyncio.sleep(min(self._pauses.after(tries), LONGEST_EMPTY_SECONDS))

    async def run(self) -> None:
        """Try again and again, with growing pauses, until nothing is missing."""
        tries = 1
        while self._standing.missing:
            await asyncio.sleep(self._pauses.after(tries))
            tries += 1
            try:
                await self._filler.prove()
                await self._fill()
            except (SourceUnreadable, ServiceError) as error:
                self._failed(error)

    async def _fill(self) -> None:
        filled = await self._filler.fill()
        self._standing.tried(filled.missing)

    def _failed(self, error: Exception) -> None:
        log.warning("seeding failed, it is tried again: %s", error)
        self._standing.tried(dict.fromkeys(self._standing.missing, str(error)))
