"""What every HTTP service stands on: the factory of its application."""

import logging
import sys
from collections.abc import AsyncIterator
from typing import BinaryIO, Final

from aiohttp import web

from service_kit.access_log import AccessLog
from service_kit.outer_layer import OnResponse, OuterLayer, Shortcut
from service_kit.problems import problem
from service_kit.request_recorder import RequestRecorder
from service_kit.settings import HttpSettings
from service_kit.telemetry import Telemetry

__all__ = ["TELEMETRY", "create_application", "install_shortcut", "problem", "start_draining"]

TELEMETRY: Final = web.AppKey("telemetry", Telemetry)
OUTER_LAYER: Final = web.AppKey("outer_layer", OuterLayer)

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
    application = web.Application(
        middlewares=[layer.middleware()],
        client_max_size=settings.max_body_bytes,
        handler_args={
            "access_log_class": lambda _logger, _format: recorder,
            "access_log": log,
            "keepalive_timeout": settings.keepalive_seconds,
            "max_line_size": settings.max_header_bytes,
            "max_field_size": settings.max_header_bytes,
        },
    )
    application[TELEMETRY] = telemetry
    application[OUTER_LAYER] = layer
    if access_log is not None:

        async def write_access_log(_: web.Application) -> AsyncIterator[None]:
            async with access_log.running():
                yield

        application.cleanup_ctx.append(write_access_log)
    return application


def start_draining(application: web.Application) -> None:
    """From now on every answer of the application closes its connection."""
    application[OUTER_LAYER].start_draining()


def install_shortcut(application: web.Application, server: web.Server) -> None:
    """Let the application's shortcut, if it has one, see the requests of its server first."""
    server.request_handler = application[OUTER_LAYER].around(server.request_handler)
