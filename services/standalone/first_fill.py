"""Filling an empty journal at the first start (architecture section 6)."""

import logging

from horde_model_reference.documents import SourceUnreadable
from registry.seeding import SeedOutcome, seed
from registry.sources import SeedSource, read_directory
from standalone.journal_access import JournalAccess
from standalone.seed_sources import BRIEF, from_github, from_sample
from standalone.settings import StandaloneSettings

log = logging.getLogger(__name__)


async def fill_when_empty(access: JournalAccess, settings: StandaloneSettings) -> SeedOutcome | None:
    """Seed a journal that holds no catalogue; return None when it holds one.

    Raises `SourceUnreadable` for a seed folder, or files of GitHub, that cannot be used, and what
    appending raises.
    """
    state = await access.head()
    if state.catalogue is not None:
        return None
    # fetching takes its time: meanwhile an operator, or another instance, may fill the journal
    source = await choose_source(settings)
    outcome = await seed(access.journal, access.blobs, source, state=state, when="empty")
    for category, item in outcome.imported.items():
        for one in item.rejected:
            log.warning("left out: %s: %s: %s: %s", category, one.name, one.path, one.reason)
    return outcome


async def choose_source(settings: StandaloneSettings) -> SeedSource:
    """Return the seed folder if one is set, else what GitHub has, else (not reachable) the sample."""
    if settings.seed_dir is not None:
        return await read_directory(settings.seed_dir)
    try:
        return await from_github(settings, BRIEF)
    except SourceUnreadable as error:
        log.warning("%s: falling back to the sample catalogue", error)
        return await from_sample()
