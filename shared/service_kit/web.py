"""What every HTTP service stands on: the factory of its application."""

import logging
import socket
import sys
from collections.abc import AsyncIterator
from typing import BinaryIO, Final

from aiohttp import web

from service_kit.access_log import AccessLog
from service_kit.guarded_connection import ConnectionRules, GuardedSite
from service_kit.json_body import BODY_TIMEOUT_SECONDS
from service_kit.loop_lag import measuring_loop_lag
from service_kit.outer_layer import OnResponse, OuterLayer, Shortcut
from service_kit.problems import problem
from service_kit.request_recorder import RequestRecorder
from service_kit.settings import HttpSettings
from service_kit.telemetry import Telemetry

__all__ = ["TELEMETRY", "create_application", "guarded_site", "install_shortcut", "problem", "start_draining"]

TELEMETRY: Final = web.AppKey("telemetry", Telemetry)
OUTER_LAYER: Final = web.AppKey("outer_layer", OuterLayer)
CONNECTION_RULES: Final = web.AppKey("connection_rules", ConnectionRules)

log = logging.getLogger(__name__)


def create_application(
    settings: HttpSettings,
    telemetry: Telemetry,
    *,
    on_response: OnResponse | None = None,
    shortcut: Shortcut | None = None,
    access_log_output: BinaryIO | None = None,
) -> web.Application:
    """Return an application without routes. Two in one process do not see each other.

    `on_response` may add headers to every answer, errors included, before it is sent. `shortcut` sees
    every GET and HEAD before the router and may answer it; what it returns must be what the route of the
    request returns, only sooner, and it must not raise. Access log lines go to `access_log_output`, else
    to standard output.
    """
    access_log = AccessLog(access_log_output or sys.stdout.buffer, telemetry) if settings.access_log else None
    recorder = RequestRecorder(telemetry, access_log)
    layer = OuterLayer(settings, on_response, shortcut)
    arguments = {
        "access_log_class": lambda _logger, _format: recorder,
        "access_log": log,
        "auto_decompress": False,  # it would unpack what nobody asked for, on the event loop, without bound
        "keepalive_timeout": settings.keepalive_seconds,
        "max_line_size": settings.max_header_bytes,
        "max_field_size": settings.max_header_bytes,
    }
    application = web.Application(
        middlewares=[layer.middleware()], client_max_size=settings.max_body_bytes, handler_args=arguments
    )
    application[TELEMETRY] = telemetry
    application[OUTER_LAYER] = layer
    application[BODY_TIMEOUT_SECONDS] = settings.body_timeout_seconds
    application[CONNECTION_RULES] = ConnectionRules(
        arguments,
        settings.head_timeout_seconds,
        settings.stalled_answer_seconds,
        telemetry,
        layer.dress,
    )

    async def measure_loop(_: web.Application) -> AsyncIterator[None]:
        async with measuring_loop_lag(telemetry.loop_lag):
            yield

    application.cleanup_ctx.append(measure_loop)
    if access_log is not None:

        async def write_access_log(_: web.Application) -> AsyncIterator[None]:
            async with access_log.running():
                yield

        application.cleanup_ctx.append(write_access_log)
    return application


def start_draining(application: web.Application) -> None:
    """From now on every answer of the application closes its connection."""
    application[OUTER_LAYER].start_draining()


def guarded_site(runner: web.AppRunner, listener: socket.socket, *, backlog: int) -> web.BaseSite:
    """Return a site whose connections keep to the application's time limits."""
    return GuardedSite(runner, listener, runner.app[CONNECTION_RULES], backlog=backlog)


def install_shortcut(application: web.Application, server: web.Server) -> None:
    """Let the application's shortcut, if it has one, see the requests of its server first."""
    server.request_handler = application[OUTER_LAYER].around(server.request_handler)
