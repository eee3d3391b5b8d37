"""Tells everybody who listens about new revisions."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Final

from aiohttp import web

from read_api.domain.live_events import head_event, piece, reset_event
from read_api.holder import PageHolder
from read_api.live.listeners import Listener, Listeners
from read_api.past import Past
from read_api.settings import EventsSettings
from service_kit.background import running
from service_kit.errors import ServiceError
from service_kit.sized_cache import SizedCache

TICK_SECONDS: Final = 1.0  # how late a heartbeat may be, and how long a lost connection is kept
RETRY_PAUSE_SECONDS: Final = 1.0
MAX_HELD_EVENTS_BYTES: Final = 512 * 1024  # of the last revisions, for all who come back at once

log = logging.getLogger(__name__)


class FeedUnavailable(ServiceError):
    """No further listener can be taken in."""

    status, retryable, expected = 503, True, True


class LiveFeed:
    """Follows the holder's revisions and writes each to the listeners.

    `running` has to be entered with the application, `end` is called when the application stops.
    """

    def __init__(self, holder: PageHolder, settings: EventsSettings) -> None:
        self._holder = holder
        self._settings = settings
        self._news = asyncio.Event()
        self._events = _no_events()
        self._told = 0
        self._lineage: int | None = None
        self._ending = False
        self.streams = 0
        self.listeners = Listeners(
            max_buffered_bytes=settings.max_buffered_bytes, heartbeat_seconds=settings.heartbeat_seconds
        )

    @property
    def ending(self) -> bool:
        """Whether the application stops."""
        return self._ending

    @property
    def cut_off(self) -> int:
        """How many listeners were cut off."""
        return self.listeners.cut_off

    async def running(self, _: web.Application) -> AsyncIterator[None]:
        """Follow the holder while the application lives."""
        self._holder.on_state(self._news.set)
        async with running(self._run()):
            yield

    async def end(self, _: web.Application) -> None:
        """End every stream in order, and take no new one."""
        self._ending = True
        self.listeners.end_all()

    def require_room(self) -> None:
        """Refuse a further stream when there are enough. Raises `FeedUnavailable`, `NotReady`."""
        if self._ending:
            raise FeedUnavailable("this instance is stopping; connect again")
        if self.streams >= self._settings.max_clients:
            raise FeedUnavailable("too many listeners; try again later, or ask for the changes instead")
        self._holder.past()

    def missed(self, listener: Listener) -> Iterator[bytes]:
        """Yield the events that a listener has missed, as far as they are known now."""
        while not self._ending and listener.revision != (head := self._head()):
            since = listener.revision
            following = self._next_after(since, head)
            listener.revision = head if following is None else following
            if following is not None:
                yield self._event(following)
            else:
                yield reset_event(head, since if since < head else None)

    def welcome(self, since: int | None) -> tuple[int, bytes]:
        """Return the revision that a new listener starts from, and what it is told first.

        `since` is the last revision that it was told on a former connection.
        """
        head = self._head()
        if since is None:
            return head, head_event(head)
        if since > head:  # of a journal that this one is not
            return head, reset_event(head, None)
        return since, b""

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._news.wait()
            self._news.clear()
            try:
                await self._tell_news()
                await self.listeners.beat()
            except Exception:  # top of a background loop: the next round may succeed
                log.exception("telling the listeners failed")
                await asyncio.sleep(RETRY_PAUSE_SECONDS)

    async def _tell_news(self) -> None:
        if not self._holder.has_past:
            return
        head, lineage = self._head(), self._past().lineage
        if self._told and (lineage != self._lineage or head < self._told):
            # another catalogue: who comes back is told to begin anew
            self._events = _no_events()
            self.listeners.end_all()
        self._lineage = lineage
        if not self.listeners:
            self._told = head
        while self._told < head:
            following = self._next_after(self._told, head)
            if following is None:
                await self.listeners.tell(head, piece(reset_event(head, self._told)))
            else:
                await self.listeners.tell(following, piece(self._event(following)))
            self._told = head if following is None else following

    def _next_after(self, revision: int, head: int) -> int | None:
        """Return the next revision to tell of; None where that is too long ago, or of another catalogue."""
        if 0 < head - revision <= self._settings.max_missed_revisions:
            return self._past().next_after(revision)
        return None

    def _event(self, revision: int) -> bytes:
        held = self._events.find(revision)
        if held is None:
            held = self._past().event(revision)
            self._events.hold(revision, held)
        return held

    def _past(self) -> Past:
        return self._holder.past()

    def _head(self) -> int:
        return self._past().revision


def _no_events() -> SizedCache[int, bytes]:
    return SizedCache(MAX_HELD_EVENTS_BYTES, len)
