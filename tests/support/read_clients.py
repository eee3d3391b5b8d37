"""The routes of the read side over pages in memory, and a client."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.test_utils import TestClient

from horde_model_reference.meta_consts import CanonicalFormat
from read_api.answers import RevisionStamp
from read_api.endpoints import add_read_routes
from read_api.holder import PageHolder
from read_api.horde_watch import HordeWatch
from read_api.live.feed import LiveFeed
from read_api.role import Role
from read_api.settings import EventsSettings
from read_api.status_desk import StatusDesk
from service_kit.settings import HttpSettings
from service_kit.telemetry import Telemetry
from service_kit.web import create_application

Client = TestClient[web.Request, web.Application]
Serve = Callable[..., Awaitable[Client]]
AiohttpClient = Callable[[web.Application], Awaitable[Client]]


def application_over(
    holder: PageHolder,
    canonical_format: CanonicalFormat = CanonicalFormat.v2,
    events: EventsSettings | None = None,
) -> web.Application:
    """Return an application with the routes and the live feed; it waits for a revision for 50 ms at most."""
    application = create_application(
        HttpSettings(access_log=False), Telemetry("read-api"), on_response=RevisionStamp(holder)
    )
    feed = LiveFeed(holder, events or EventsSettings())
    application.cleanup_ctx.append(feed.running)
    application.on_shutdown.append(feed.end)
    role = Role(canonical_format)
    desk = StatusDesk(holder, role)
    desk.watch = HordeWatch(holder, look_seconds=0.05)
    application.cleanup_ctx.append(desk.watch.running)
    add_read_routes(application, holder, feed, role, desk, min_revision_wait_seconds=0.05)
    return application
