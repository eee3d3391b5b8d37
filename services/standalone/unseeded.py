"""What was never seeded is seen, and tried again until nothing is missing (sync.md section 13)."""

import asyncio
import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import Counter, Gauge

from horde_model_reference.documents import SourceUnreadable
from registry.seeding import never_written
from registry.sources import one_line_of
from registry.state import State
from service_kit.errors import NotReady, ServiceError
from service_kit.health import Check
from service_kit.telemetry import Telemetry
from standalone.first_fill import fill_when_empty
from standalone.journal_access import JournalAccess
from standalone.settings import StandaloneSettings

NOT_ALLOWED: Final = "it was never seeded, and GitHub must not be asked"
LONGEST_EMPTY_SECONDS: Final = 60.0
"""Longest pause while there is nothing to serve: somebody else may have filled the journal meanwhile."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pauses:
    """Pauses between the tries: doubled each time, a random part of the second half is left out."""

    first_seconds: float = 5.0
    max_seconds: float = 1800.0

    def after(self, tries: int) -> float:
        """Return how long to wait after that many failed tries."""
        longest = min(self.first_seconds * 2.0 ** min(tries - 1, 32), self.max_seconds)
        return longest * random.uniform(0.5, 1)  # noqa: S311 - spreads load, keeps no secret


class SeedStanding:
    """Which categories were never seeded, and why; `check` shows them, the others are served all the same."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.telemetry = telemetry
        self.missing: Mapping[str, str] = {}
        self.check = Check("seeding", self._require_all, required=False)
        self._categories = Gauge(
            "seed_missing_categories",
            "Categories that have a source and were never seeded.",
            registry=telemetry.registry,
        )
        self._tries = Counter(
            "seed_tries", "Tries to seed what is missing.", ["outcome"], registry=telemetry.registry
        )

    def note(self, missing: Mapping[str, str]) -> None:
        """Take what is missing now."""
        self.missing = missing
        self._categories.set(len(missing))

    def count(self) -> None:
        """Count a try that ended with what is noted."""
        self._tries.labels("failed" if self.missing else "done").inc()

    async def _require_all(self) -> None:
        if self.missing:
            raise NotReady(f"not seeded: {one_line_of(self.missing)}")


class Seeding:
    """Seeds what was never written: `look`, `first` for an empty journal, then `run` beside the rest."""

    def __init__(
        self,
        access: JournalAccess,
        settings: StandaloneSettings,
        standing: SeedStanding,
        pauses: Pauses | None = None,
    ) -> None:
        self.access = access
        self._settings = settings
        self._standing = standing
        self._pauses = pauses or Pauses()

    def look(self, state: State) -> None:
        """Take what is missing in a state, without trying to get it."""
        self._standing.note(dict.fromkeys(never_written(state), "it is about to be seeded"))

    async def first(self) -> None:
        """Fill an empty journal, trying until GitHub gives some of it or somebody else has filled it.

        Raises `SourceUnreadable` for a seed folder, which waiting does not cure, and what appending raises.
        """
        tries = 0
        while True:
            try:
                return await self._fill()
            except SourceUnreadable as error:
                if self._settings.seed_dir is not None:
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
                await self.access.require_safe_store()
                await self._fill()
            except (SourceUnreadable, ServiceError) as error:
                self._failed(error)

    async def _fill(self) -> None:
        outcome = await fill_when_empty(self.access, self._settings, telemetry=self._standing.telemetry)
        state = outcome.state if outcome else await self.access.head()
        failures = outcome.failures if outcome else {}
        self._standing.note({name: failures.get(name, NOT_ALLOWED) for name in never_written(state)})
        self._standing.count()

    def _failed(self, error: Exception) -> None:
        log.warning("seeding failed, it is tried again: %s", error)
        self._standing.note(dict.fromkeys(self._standing.missing, str(error)))
        self._standing.count()
