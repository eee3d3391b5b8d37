"""Puts a replica together."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from horde_model_reference.replica.fetching import Fetcher
from read_api.holder import PageHolder
from read_api.long_lived import spare_the_collector
from read_api.replica.call_metrics import PrimaryCalls
from read_api.replica.copies import Copy
from read_api.replica.disk_copy import DiskCopy
from read_api.replica.feed import PrimaryFeed
from read_api.replica.github import GithubFiles
from read_api.replica.metrics import ReplicaMetrics
from read_api.replica.primary import Primary
from read_api.replica.seen_revisions import SeenRevisions
from read_api.replica.single_documents import SingleDocuments
from read_api.replica.source import OnCopy, ReplicaSource, nothing_to_do
from read_api.replica.upstream import LOWER_PATIENCE_SECONDS, LowerRevisions, PrimaryUpstream, Upstream
from read_api.replica.whole_revisions import WholeRevisions
from read_api.role import Role
from read_api.settings import ReadApiSettings
from service_kit.background import running
from service_kit.cache import Cache
from service_kit.telemetry import Telemetry

GITHUB_PACE: Final = 5.0
"""While the PRIMARY is away, GitHub is asked again after so many intervals."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a replica stands on. `on_first_copy` is called once, when there is something to serve.

    `fetcher` is closed in the end, also one that is given.
    """

    telemetry: Telemetry
    cache: Cache
    on_first_copy: OnCopy = nothing_to_do
    fetcher: Fetcher | None = None
    lower_patience_seconds: float = LOWER_PATIENCE_SECONDS


@contextlib.asynccontextmanager
async def replicating(
    holder: PageHolder, role: Role, settings: ReadApiSettings, surroundings: Surroundings
) -> AsyncIterator[ReplicaSource]:
    """Keep the holder at the catalogue of the PRIMARY that the settings name, while the context lasts."""
    telemetry = surroundings.telemetry
    holder.use_cache(surroundings.cache)
    fetcher = surroundings.fetcher or Fetcher(timeout_seconds=settings.primary_api_timeout)
    past = SeenRevisions()
    primary = _primary(settings, fetcher, telemetry)
    source = ReplicaSource(
        holder,
        past,
        _upstream(settings, primary, holder, surroundings),
        DiskCopy(settings.data_dir),
        ttl_seconds=settings.cache_ttl_seconds,
        on_copy=_Adoption(role, surroundings.on_first_copy),
    )
    feed = PrimaryFeed(primary, source) if primary is not None else None
    telemetry.registry.register(ReplicaMetrics(source, feed))
    holder.attach(source, past)
    work = [source.run(), holder.polish_forever(), spare_the_collector(holder)]
    try:
        async with running(*work, *([feed.run()] if feed else [])):
            yield source
    finally:
        await source.close()
        await past.close()
        await fetcher.close()
        holder.close()


class _Adoption:
    """Lets the instance be what its copy says."""

    def __init__(self, role: Role, on_first_copy: OnCopy) -> None:
        self._role = role
        self._waiting = [on_first_copy]

    def __call__(self, copy: Copy) -> None:
        """Take the canonical format over, and tell of the first copy."""
        if copy.canonical_format is not None:
            self._role.canonical_format = copy.canonical_format
        while self._waiting:
            self._waiting.pop()(copy)


def _primary(settings: ReadApiSettings, fetcher: Fetcher, telemetry: Telemetry) -> Primary | None:
    if not settings.primary_api_url:
        return None
    return Primary(settings.primary_api_url, fetcher, PrimaryCalls(telemetry))


def _upstream(
    settings: ReadApiSettings, primary: Primary | None, holder: PageHolder, surroundings: Surroundings
) -> Upstream:
    has_github = primary is None or settings.enable_github_fallback
    of_primary = None
    if primary is not None:
        whole = WholeRevisions(primary, holder.workshop)
        lower = LowerRevisions(surroundings.lower_patience_seconds)
        of_primary = PrimaryUpstream(primary, whole, SingleDocuments(primary), lower)
    return Upstream(
        of_primary,
        GithubFiles(settings, surroundings.telemetry) if has_github else None,
        github_pace_seconds=GITHUB_PACE * settings.cache_ttl_seconds,
    )
