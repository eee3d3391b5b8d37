"""Filling the journal of this process: an empty one too, with the sample if need be."""

from registry.filling import fill_missing
from registry.seed_origins import SeedOrigins
from registry.seeding import SeedOutcome
from registry.state import State
from registry.unseeded import Filled, Filler
from service_kit.telemetry import Telemetry
from standalone.journal_access import JournalAccess
from standalone.seed_sources import from_sample
from standalone.settings import StandaloneSettings


async def fill_when_empty(access: JournalAccess, settings: StandaloneSettings) -> SeedOutcome | None:
    """Seed the categories that were never written, all of them or some; None when there is nothing to do.

    Raises `SourceUnreadable` for a seed folder, or files of GitHub, none of which can be used, and what
    appending raises.
    """
    return await _fill(access, await access.head(), SeedOrigins(settings, from_sample))


def filler_of(access: JournalAccess, settings: StandaloneSettings, telemetry: Telemetry) -> Filler:
    """Return how the journal of this process is filled."""
    origins = SeedOrigins(settings, from_sample, telemetry)

    async def fill() -> Filled:
        before = await access.head()
        outcome = await _fill(access, before, origins)
        return Filled.of(outcome, before)

    return Filler(fill, access.require_safe_store, is_curable=settings.seed_dir is None)


async def _fill(access: JournalAccess, state: State, origins: SeedOrigins) -> SeedOutcome | None:
    return await fill_missing(access.journal, access.blobs, state, origins)
