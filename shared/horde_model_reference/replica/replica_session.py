"""A replica core for callers from any thread, with or without a loop, and after a fork."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from horde_model_reference.github_sources import GithubPlan
from horde_model_reference.no_fork import no_fork
from horde_model_reference.replica.catalogue import NOTHING, Catalogue, Records
from horde_model_reference.replica.disk_cache import DiskCache
from horde_model_reference.replica.fetching import Fetcher
from horde_model_reference.replica.freshness import Freshness
from horde_model_reference.replica.github_client import GithubClient
from horde_model_reference.replica.legacy_texts import LegacyTexts
from horde_model_reference.replica.loop_thread import LoopThreadUnavailable, shared_loop_thread
from horde_model_reference.replica.lower_sources import LowerSources
from horde_model_reference.replica.primary_source import PrimarySource
from horde_model_reference.replica.replica_core import ReplicaCore
from horde_model_reference.replica.saving import Saving

RETRIES_SECONDS: Final = 4.0
"""What is added to the time limit of one attempt for all attempts together: pauses, and quick failures."""

log = logging.getLogger(__name__)


class PrimaryPlan(NamedTuple):
    """A PRIMARY to follow. `public_key`: take only what is signed with it."""

    url: str
    timeout_seconds: float
    attempts: int
    backoff_seconds: float
    follow_feed: bool
    public_key: str | None = None


class ReplicaPlan(NamedTuple):
    """Whom to ask, and how; `base_path` is the folder of the copies."""

    base_path: Path
    ttl_seconds: float
    primary: PrimaryPlan | None
    github: GithubPlan | None


class _Parts(NamedTuple):
    core: ReplicaCore
    legacy: LegacyTexts
    fetchers: tuple[Fetcher, ...]


class ReplicaSession:
    """Reads through a core that lives on the thread of the library; made by the first read that needs one."""

    def __init__(self, plan: ReplicaPlan, on_change: Callable[[str], None]) -> None:
        self._plan = plan
        self._on_change = on_change
        self._loop = shared_loop_thread()
        self._generation = self._loop.generation
        self._parts: _Parts | None = None
        self._left = NOTHING
        self._ended = False

    @property
    def _catalogue(self) -> Catalogue:
        """What is held, also after the end."""
        parts = self._parts
        return self._left if parts is None else parts.core.catalogue

    def fresh(self, category: str) -> Records | None:
        """Return the records if there is no reason to ask for newer ones. Never blocks."""
        parts = self._parts
        if parts is None or self._generation != self._loop.generation:
            return None
        return parts.core.fresh(category)

    def held(self, category: str) -> Records | None:
        """Return the records however old they are. Never blocks."""
        entry = self._catalogue.entries.get(category)
        return None if entry is None else entry.records

    def held_together(self, categories: Iterable[str]) -> dict[str, Records | None]:
        """Return the records of several categories as they were at one moment. Never blocks."""
        entries = self._catalogue.entries
        return {name: entries[name].records if name in entries else None for name in categories}

    def load(self, categories: Iterable[str], *, force: bool = False, settle: bool = False) -> None:
        """Look for newer data of what is not fresh. `settle`: also wait until it lies on the disk. Blocks."""
        names = tuple(categories)
        if not force and not settle and self._nothing_to_do(names):
            return
        try:
            self._loop.run(partial(self._obtain, names, force, settle))
        except LoopThreadUnavailable as error:  # the program ends: what is held has to do
            log.debug("nothing more is loaded: %s", error)

    async def load_async(
        self, categories: Iterable[str], *, force: bool = False, settle: bool = False
    ) -> None:
        """Do the same without blocking the loop of the caller."""
        names = tuple(categories)
        if not force and not settle and self._nothing_to_do(names):
            return
        try:
            await self._loop.call(partial(self._obtain, names, force, settle))
        except LoopThreadUnavailable as error:
            log.debug("nothing more is loaded: %s", error)

    def raw_together(self, categories: Iterable[str]) -> dict[str, dict[str, Any] | None]:
        """Return the JSON of several categories as they were at one moment."""
        entries = self._catalogue.entries
        return {name: entries[name].raw.value() if name in entries else None for name in categories}

    async def raw_together_async(self, categories: Iterable[str]) -> dict[str, dict[str, Any] | None]:
        """Do the same; the loop of the caller goes on meanwhile."""
        names = tuple(categories)
        try:
            return await self._loop.call(lambda: asyncio.to_thread(self.raw_together, names))
        except LoopThreadUnavailable:
            return self.raw_together(names)

    def legacy_text(self, category: str, *, anew: bool = False) -> str | None:
        """Return the legacy document of a category unchanged; None if no source has it. Blocks."""
        try:
            return self._loop.run(partial(self._legacy_text, category, anew))
        except LoopThreadUnavailable as error:
            log.debug("no legacy document is loaded: %s", error)
            return None

    def expire(self, category: str) -> None:
        """Have the next read look for newer data. Any thread may call this."""
        parts = self._parts
        if parts is not None:
            parts.core.expire(category)

    def rebuild(self, category: str) -> None:
        """Build the records of a category anew from the JSON that is held."""
        if self._parts is None:
            return
        try:
            self._loop.run(partial(self._rebuild, category))
        except LoopThreadUnavailable as error:
            log.debug("nothing is built anew: %s", error)

    def statistics(self) -> dict[str, int]:
        """Return what was asked so far."""
        parts = self._parts
        if parts is None:
            return {"primary_hits": 0, "github_fallbacks": 0, "cache_size": 0}
        core, fetched = parts.core, [item.statistics() for item in parts.fetchers]
        return {
            "primary_hits": core.primary_hits,
            "github_fallbacks": core.github_fallbacks,
            "cache_size": len(core.catalogue.entries),
            "requests": sum(item.requests for item in fetched),
            "failed_requests": sum(item.failures for item in fetched),
            "bytes_received": sum(item.bytes_received for item in fetched),
        }

    def close(self) -> None:
        """End what is under way, after saving what is held. Nothing is loaded any more."""
        self._ended = True
        if self._generation != self._loop.generation:  # what there is belongs to the parent
            return
        self._loop.remove_closer(self._close)
        if self._loop.is_current():
            self._loop.submit(self._close)
            return
        try:
            self._loop.run(self._close)
        except LoopThreadUnavailable as error:
            log.debug("closed already: %s", error)

    def _nothing_to_do(self, names: tuple[str, ...]) -> bool:
        parts = self._parts
        if parts is None or self._generation != self._loop.generation:
            return False
        core = parts.core
        return all(core.fresh(name) is not None or core.is_known_missing(name) for name in names)

    async def _obtain(self, names: tuple[str, ...], force: bool, settle: bool) -> None:
        if self._ended:
            return
        core = self._present().core
        await core.obtain(names, force=force)
        if settle:
            await core.settle()

    async def _legacy_text(self, category: str, anew: bool) -> str | None:
        return None if self._ended else await self._present().legacy.text(category, anew=anew)

    async def _rebuild(self, category: str) -> None:
        if not self._ended:
            await self._present().core.rebuild(category)

    async def _close(self) -> None:
        parts = self._parts
        if parts is not None:
            self._left, self._parts = parts.core.catalogue, None
            await parts.core.close()
            for fetcher in parts.fetchers:
                await fetcher.close()

    def _present(self) -> _Parts:
        """Return the parts; made anew, with the data of the old ones, in a forked process. On the loop."""
        parts = self._parts
        if parts is None or self._generation != self._loop.generation:
            made = self._make()
            if parts is not None:
                made.core.take_over(parts.core)
            self._generation = self._loop.generation
            self._parts = parts = made
            self._loop.remove_closer(self._close)
            self._loop.add_closer(self._close)
        return parts

    def _make(self) -> _Parts:
        plan = self._plan
        disk = DiskCache(plan.base_path)
        fetchers: list[Fetcher] = []
        primary = _primary_source(plan.primary, fetchers) if plan.primary is not None else None
        github = _github_client(plan.github, fetchers) if plan.github is not None else None
        core = ReplicaCore(
            primary,
            LowerSources(github, disk),
            Saving(disk, plan.primary.url if plan.primary is not None else None),
            Freshness(plan.ttl_seconds),
            follow_feed=plan.primary is not None and plan.primary.follow_feed,
            on_change=self._on_change,
        )
        return _Parts(core, LegacyTexts(primary, github, disk, plan.ttl_seconds), tuple(fetchers))


def _primary_source(plan: PrimaryPlan, fetchers: list[Fetcher]) -> PrimarySource:
    def fetcher(attempts: int) -> Fetcher:
        made = Fetcher(
            timeout_seconds=plan.timeout_seconds, attempts=attempts, backoff_seconds=plan.backoff_seconds
        )
        fetchers.append(made)
        return made

    budget_seconds = plan.timeout_seconds + RETRIES_SECONDS
    patient, quick = fetcher(plan.attempts), fetcher(1)
    if plan.public_key is None:
        return PrimarySource(plan.url, patient, quick, budget_seconds=budget_seconds)
    with no_fork:
        from horde_model_reference.replica.signed_primary_source import (  # noqa: PLC0415 - few check
            SignedPrimarySource,
        )

    return SignedPrimarySource(
        plan.url, patient, quick, budget_seconds=budget_seconds, public_key=plan.public_key
    )


def _github_client(plan: GithubPlan, fetchers: list[Fetcher]) -> GithubClient:
    fetcher = Fetcher(timeout_seconds=30.0, attempts=1)
    fetchers.append(fetcher)
    return GithubClient(plan, fetcher=fetcher)
