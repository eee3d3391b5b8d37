"""Filling what was never written: at the first start, and later what could not be had then."""

import logging

from horde_model_reference.documents import SourceUnreadable
from registry.seeding import SeedOutcome, SeedWhen, never_written, seed
from registry.sources import SeedSource, read_directory
from registry.state import State
from service_kit.telemetry import Telemetry
from standalone.journal_access import JournalAccess
from standalone.seed_sources import BRIEF, from_github, from_sample
from standalone.settings import StandaloneSettings

log = logging.getLogger(__name__)


async def fill_when_empty(
    access: JournalAccess,
    settings: StandaloneSettings,
    *,
    telemetry: Telemetry | None = None,
) -> SeedOutcome | None:
    """Seed the categories that were never written, all of them or some; None when there is nothing to do.

    From the seed folder if one is set, else from GitHub unless that is switched off, else (an empty journal
    only, and if GitHub is not insisted on) from the sample. Raises `SourceUnreadable` for a seed folder, or
    files of GitHub, none of which can be used, and what appending raises.
    """
    state = await access.head()
    missing = never_written(state)
    if not missing:
        return None
    # fetching takes its time: meanwhile an operator, or another instance, may fill the journal
    if settings.seed_dir is not None:
        return await _seeded(access, state, await read_directory(settings.seed_dir), "missing")
    is_empty = state.catalogue is None
    if settings.github_seed_enabled is False:
        return await _seeded(access, state, await from_sample(), "empty") if is_empty else None
    try:
        source = await from_github(settings, BRIEF, categories=missing, telemetry=telemetry)
        return await _seeded(access, state, source, "missing")
    except SourceUnreadable as error:
        if settings.github_seed_enabled or not is_empty:
            raise
        log.warning("%s: falling back to the sample catalogue", error)
    return await _seeded(access, state, await from_sample(), "empty")


async def _seeded(access: JournalAccess, state: State, source: SeedSource, when: SeedWhen) -> SeedOutcome:
    outcome = await seed(access.journal, access.blobs, source, state=state, when=when)
    for remark in source.remarks:
        log.warning("%s", remark)
    for category, item in outcome.imported.items():
        for one in item.rejected:
            log.warning("left out: %s: %s: %s: %s", category, one.name, one.path, one.reason)
    for category, why in outcome.failures.items():
        log.warning("not seeded: %s: %s", category, why)
    return outcome
