"""The live feed over HTTP: Server-Sent Events."""

from collections.abc import Iterator
from typing import Final

from aiohttp import hdrs, web
from multidict import istr
from pydantic import Field

from read_api.holder import PageHolder
from read_api.live.feed import LiveFeed
from read_api.live.stream import EventStream
from read_api.routes.former_references import MAX_REVISION
from read_api.routes.references import V2
from service_kit.endpoints import Endpoint
from service_kit.errors import NotReady
from service_kit.parameters import Parameters, parse_query
from service_kit.problem_models import Invalid, Problem

TAG: Final = "v2: changes"
LAST_EVENT_ID: Final = istr("Last-Event-ID")
MAX_DIGITS: Final = 15


class EventsParameters(Parameters):
    """Where to resume, for clients that cannot send the header `Last-Event-ID`, which counts more."""

    last_event_id: int | None = Field(
        None, ge=0, le=MAX_REVISION, description="the last revision that was told"
    )


class Events:
    """Opens streams.

    `reach_seconds` is the longest wait for a revision that the client knows already: this instance may be a
    little behind the one that told it.
    """

    def __init__(self, holder: PageHolder, feed: LiveFeed, *, reach_seconds: float) -> None:
        self._holder = holder
        self._feed = feed
        self._reach_seconds = reach_seconds

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoint."""
        yield Endpoint(
            f"{V2}/events",
            self.events,
            "New revisions, as they happen",
            TAG,
            {200: None, 422: Invalid, 503: Problem},
            query=EventsParameters,
            media_type="text/event-stream",
            description="Server-Sent Events; the id of each is a revision. `catalog.head` tells a new client "
            "where it starts, `catalog.committed` a new revision; `catalog.reset` that too much was missed: "
            "ask for the changes, or for the bundle. The header `Last-Event-ID` resumes.",
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Begin a stream. What was missed since the last event comes first."""
        asked = parse_query(EventsParameters, request.query)
        self._feed.require_room()
        given = request.headers.get(LAST_EVENT_ID, "").strip()
        since = asked.last_event_id if not given else _revision(given)
        if since is not None and since < MAX_REVISION and request.method == hdrs.METH_GET:
            await self._reach(since)
        return EventStream(self._feed, since)

    async def _reach(self, revision: int) -> None:
        """Wait for a revision that may be about to come; if it does not, the stream begins anew.

        Raises `NotReady` while the journal cannot be read: beginning anew would take the client back to an
        older revision, which another instance knows better.
        """
        try:
            await self._holder.reach(revision, self._reach_seconds)
        except NotReady:
            if self._holder.stale:
                raise


def _revision(text: str) -> int:
    """Return the revision; what none of ours can be is one that never comes, which begins anew."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else MAX_REVISION
