"""Hears of new revisions from a PRIMARY that tells them (architecture.md section 5)."""

import asyncio
import logging
import time
from typing import Final, Protocol

from horde_model_reference.jitter import JITTER
from horde_model_reference.replica.catalogue import Catalogue
from horde_model_reference.replica.errors import NotOffered, SourceFailed, SourceUnavailable
from horde_model_reference.replica.primary_answers import RevisionEvent
from horde_model_reference.replica.primary_source import PrimarySource

START_SECONDS: Final = 0.3
"""A program that reads once and ends need not open a stream."""

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
NOT_OFFERED_PAUSE_SECONDS: Final = 600.0

log = logging.getLogger(__name__)


class Follower(Protocol):
    """What is kept up to date by the feed."""

    @property
    def catalogue(self) -> Catalogue:
        """What is held now."""

    async def advance(self, at_least: int | None = None) -> None:
        """Bring everything to a newer revision. Raises the kinds of `SourceFailed`."""

    def skip_to(self, revision: int, touched: frozenset[str]) -> bool:
        """Take note of a revision that changed nothing that is held; say whether that is so."""

    def set_live(self, live: bool) -> None:
        """Take note whether new revisions are told at once."""


class ChangeFeed:
    """One stream at a time, opened again and again."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._task: asyncio.Task[None] | None = None

    def start(self, primary: PrimarySource) -> None:
        """Begin to listen, if that has not happened yet."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(primary), name="change feed")

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, primary: PrimarySource) -> None:
        pause = START_SECONDS
        while True:
            await asyncio.sleep(pause * JITTER.uniform(0.7, 1.3))
            began = time.monotonic()
            try:
                heard = await self._listen(primary)
            except NotOffered as error:
                log.debug("no live feed: %s", error)
                pause = NOT_OFFERED_PAUSE_SECONDS
            except SourceFailed as error:
                log.debug("the live feed is away: %s", error)
                pause = pause_after(pause, time.monotonic() - began)
            except Exception:  # the top of a background loop: the TTL counts meanwhile
                log.exception("following the live feed failed")
                pause = LONGEST_PAUSE_SECONDS
            else:
                pause = FIRST_PAUSE_SECONDS if heard else min(2 * pause, LONGEST_PAUSE_SECONDS)
            finally:
                self._follower.set_live(False)

    async def _listen(self, primary: PrimarySource) -> bool:
        """Follow one stream to its end; say whether anything was heard."""
        revision = self._follower.catalogue.revision
        if revision is None:
            raise SourceUnavailable("there is no revision to start from")
        heard = False
        async with primary.events(revision) as events:
            await self._advance()  # what happened while nobody listened
            self._follower.set_live(True)
            async for event in events:
                heard = True
                await self._heed(event)
        return heard

    async def _heed(self, event: RevisionEvent) -> None:
        known = self._follower.catalogue.revision
        if known is not None and event.revision <= known:
            if event.kind == "reset":
                await self._advance()  # not a newer revision: perhaps of another journal
            return
        touched = event.categories if event.kind == "committed" else None
        if touched is None or not self._follower.skip_to(event.revision, touched):
            await self._advance(event.revision)

    async def _advance(self, at_least: int | None = None) -> None:
        try:
            await self._follower.advance(at_least)
        except NotOffered as error:  # which says nothing of the feed
            raise SourceUnavailable(str(error)) from error


def pause_after(pause: float, lasted: float) -> float:
    """Return the next pause after a stream that lasted so long was cut off: what it lasted counts as one."""
    return min(max(2 * pause - lasted, FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
