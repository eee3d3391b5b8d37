"""Replica cores on the loop of the test."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from horde_model_reference.replica.disk_cache import DiskCache
from horde_model_reference.replica.fetching import Fetcher
from horde_model_reference.replica.freshness import Freshness
from horde_model_reference.replica.github_client import GithubClient
from horde_model_reference.replica.lower_sources import LowerSources
from horde_model_reference.replica.primary_source import PrimarySource
from horde_model_reference.replica.replica_core import Patience, ReplicaCore
from horde_model_reference.replica.saving import Saving
from horde_model_reference.replica.signed_primary_source import SignedPrimarySource

BEHIND_SECONDS = 1.0
"""For how long an instance of a PRIMARY may be behind."""

PATIENT = Patience(held_wait=60.0, cold_wait=60.0, kept=3600.0, behind=BEHIND_SECONDS)
IMPATIENT = Patience(held_wait=0.05, kept=3600.0, behind=BEHIND_SECONDS)
"""For what happens when better data are late: on a busy machine they always may be."""


@contextlib.asynccontextmanager
async def a_core(
    url: str | None,
    folder: Path,
    *,
    ttl_seconds: float = 60.0,
    follow_feed: bool = False,
    patience: Patience = PATIENT,
    told: list[str] | None = None,
    public_key: str | None = None,
    github: GithubClient | None = None,
) -> AsyncIterator[ReplicaCore]:
    fetcher, quick = (Fetcher(timeout_seconds=60.0, attempts=n, backoff_seconds=0.01) for n in (2, 1))
    disk = DiskCache(folder)
    core = ReplicaCore(
        None if url is None else _source(url, fetcher, quick, public_key),
        LowerSources(github, disk),
        Saving(disk, url),
        Freshness(ttl_seconds),
        follow_feed=follow_feed,
        on_change=(told if told is not None else []).append,
        patience=patience,
    )
    try:
        yield core
    finally:
        await core.close()
        await fetcher.close()
        await quick.close()


def _source(url: str, fetcher: Fetcher, quick: Fetcher, public_key: str | None) -> PrimarySource:
    if public_key is None:
        return PrimarySource(url, fetcher, quick, budget_seconds=60.0)
    return SignedPrimarySource(url, fetcher, quick, budget_seconds=60.0, public_key=public_key)


def descriptions(core: ReplicaCore, category: str) -> dict[str, str | None]:
    """Return name to description of what the core holds."""
    entry = core.catalogue.entries.get(category)
    return {} if entry is None else {name: record.description for name, record in entry.records.items()}
