"""All endpoints of the read side, in the order in which the router has to know them."""

from aiohttp import web

from read_api.holder import PageHolder
from read_api.live.feed import LiveFeed
from read_api.role import Role
from read_api.routes.changes import Changes
from read_api.routes.docs import Documentation
from read_api.routes.events import Events
from read_api.routes.history import History
from read_api.routes.listings import Listings
from read_api.routes.metadata import Metadata
from read_api.routes.references import References
from read_api.routes.schemas import Schemas
from read_api.routes.search import Search
from read_api.routes.service import Service
from read_api.routes.status import StatusRoutes
from read_api.routes.text import TextToolRoutes
from read_api.status_desk import StatusDesk
from service_kit.endpoints import Endpoint, add_endpoints
from service_kit.min_revision import waiting_for_revision


def read_endpoints(
    holder: PageHolder,
    feed: LiveFeed,
    role: Role,
    desk: StatusDesk,
    *,
    min_revision_wait_seconds: float,
) -> tuple[Endpoint, ...]:
    """Return the endpoints that serve the pages of the holder, the feed, and what is watched."""
    references = References(holder)
    return (
        *Service(holder, role, desk.watch).endpoints(),
        *StatusRoutes(holder, role, desk).endpoints(),
        *Documentation(holder).endpoints(),
        *Listings(holder).endpoints(),
        *Metadata(holder, role).endpoints(),
        *Schemas(holder).endpoints(),
        *Search(holder).endpoints(),
        *TextToolRoutes(holder, role).endpoints(),
        *Events(holder, feed, reach_seconds=min_revision_wait_seconds).endpoints(),
        *Changes(holder).endpoints(),
        *History(holder, references).endpoints(),
        *references.endpoints(),
        references.alias_endpoint(),
    )


def add_read_routes(
    application: web.Application,
    holder: PageHolder,
    feed: LiveFeed,
    role: Role,
    desk: StatusDesk,
    *,
    min_revision_wait_seconds: float,
) -> None:
    """Add every route of the read side to an application, with and without `/api`.

    The application should also have a `RevisionStamp` of the holder as its `on_response`.
    """
    wait_seconds = min_revision_wait_seconds
    endpoints = read_endpoints(holder, feed, role, desk, min_revision_wait_seconds=wait_seconds)
    add_endpoints(application, endpoints, wrap=waiting_for_revision(holder, wait_seconds))
