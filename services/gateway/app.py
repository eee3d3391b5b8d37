"""The gateway as a process: nginx, its supervisor, and the routes that watch over both."""

import logging
import signal
from collections.abc import AsyncIterator, Sequence
from typing import Final

from aiohttp import web

from gateway.configuration import Service
from gateway.metrics import GatewayMetrics
from gateway.opening import supervising
from gateway.resolving import Resolver
from gateway.settings import GatewaySettings
from gateway.status_socket import ask, ask_port
from gateway.supervisor import Supervisor
from service_kit.errors import NotReady
from service_kit.health import Check, add_health_routes
from service_kit.settings import HttpSettings
from service_kit.telemetry import Telemetry
from service_kit.web import create_application

SERVICE: Final = "gateway"
ADMIN_DRAIN_SECONDS: Final = 1.0
HEALTH_PATH: Final = "/gateway/health"
ON_THIS_MACHINE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


log = logging.getLogger(__name__)


def admin_settings(settings: GatewaySettings) -> HttpSettings:
    """Return how the supervisor itself listens."""
    return HttpSettings(
        host=settings.admin_host,
        port=settings.admin_port,
        drain_seconds=ADMIN_DRAIN_SECONDS,
        access_log=False,
        log_level=settings.log_level,
    )


def create_app(settings: GatewaySettings, *, resolver: Resolver | None = None) -> web.Application:
    """Build the application of the supervisor; nginx runs while it is set up. Tests pass a resolver."""
    telemetry = Telemetry(SERVICE)
    metrics = GatewayMetrics(telemetry)
    application = create_application(admin_settings(settings), telemetry)
    running: list[Supervisor] = []

    async def supervise(_: web.Application) -> AsyncIterator[None]:
        async with supervising(settings, metrics, resolver, _end_in_order) as supervisor:
            log.info(
                "serving on port %d%s", settings.port, f" and {settings.tls_port}" if settings.tls else ""
            )
            running.append(supervisor)
            yield

    application.cleanup_ctx.append(supervise)
    add_health_routes(application, _checks(settings, running))
    return application


def _checks(settings: GatewaySettings, running: Sequence[Supervisor]) -> list[Check]:
    async def nginx() -> None:
        try:
            await _ask_nginx(settings, running)
        except OSError as error:
            raise NotReady("nginx does not answer") from error

    async def read_api() -> None:
        if not any(supervisor.upstreams.addresses.get(Service.READ_API) for supervisor in running):
            raise NotReady("no read-api has an address")

    return [Check("nginx", nginx), Check("read_api", read_api, required=False)]


async def _ask_nginx(settings: GatewaySettings, running: Sequence[Supervisor]) -> None:
    """Raise `OSError` where it does not answer, `NotReady` where no client comes to it."""
    if settings.port_socket is None:
        host = settings.listen[0]
        await ask_port(ON_THIS_MACHINE.get(host, host), settings.port, HEALTH_PATH)
        return
    for supervisor in running:  # the port may be another machine's, or answer for another gateway
        if not supervisor.reachable:
            raise NotReady("nobody holds the ports")
        await ask(supervisor.front.process.status_socket, "/generation")


def _end_in_order() -> None:
    signal.raise_signal(signal.SIGTERM)
