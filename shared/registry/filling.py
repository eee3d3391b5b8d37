"""Filling what was never written: at the first start, and later what could not be had then."""

import logging

from horde_model_reference.documents import SourceUnreadable
from registry.blobs import Blobs
from registry.journal import Journal
from registry.seed_origins import BRIEF, SeedOrigins, from_github
from registry.seeding import SeedOutcome, SeedWhen, never_written, seed
from registry.sources import SeedSource, read_directory
from registry.state import State

log = logging.getLogger(__name__)


async def fill_missing(
    journal: Journal, blobs: Blobs, state: State, origins: SeedOrigins
) -> SeedOutcome | None:
    """Seed the categories that were never written, all of them or some; None when there is nothing to do.

    From the seed folder if one is set, else from GitHub unless that is switched off, else (an empty journal
    only, and if GitHub is not insisted on) from the sample. Any number may do so at once: the journal takes
    each category from one of them. Raises `SourceUnreadable` for a seed folder, or files of GitHub, none of
    which can be used, and what appending raises.
    """
    filling = _Filling(journal, blobs, state)
    missing = never_written(state)
    if not missing:
        return None
    settings = origins.settings
    # fetching takes its time: meanwhile an operator, or another instance, may fill the journal
    if settings.seed_dir is not None:
        return await filling.seed(await read_directory(settings.seed_dir), "missing")
    find_sample = origins.find_sample if state.catalogue is None else None
    if settings.github_seed_enabled is False:
        return await filling.seed(await find_sample(), "empty") if find_sample else None
    try:
        source = await from_github(settings, BRIEF, categories=missing, telemetry=origins.telemetry)
        return await filling.seed(source, "missing")
    except SourceUnreadable as error:
        if settings.github_seed_enabled or find_sample is None:
            raise
        log.warning("%s: falling back to the sample catalogue", error)
    return await filling.seed(await find_sample(), "empty")


class _Filling:
    def __init__(self, journal: Journal, blobs: Blobs, state: State) -> None:
        self._journal = journal
        self._blobs = blobs
        self._state = state

    async def seed(self, source: SeedSource, when: SeedWhen) -> SeedOutcome:
        """Seed, and log what is lost on the way."""
        outcome = await seed(self._journal, self._blobs, source, state=self._state, when=when)
        for remark in source.remarks:
            log.warning("%s", remark)
        for category, item in outcome.imported.items():
            for one in item.rejected:
                log.warning("left out: %s: %s: %s: %s", category, one.name, one.path, one.reason)
        for category, why in outcome.failures.items():
            log.warning("not seeded: %s: %s", category, why)
        return outcome
