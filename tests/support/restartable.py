"""A server on loopback that goes away and comes back on the same port."""

from abc import ABC, abstractmethod

from aiohttp import web

from support.serving import LOOPBACK


class RestartableServer(ABC):
    """Answers every request with `handle`. `port` is picked at the first start, and kept.

    `host` may be another address of loopback, also between a stop and the next start.
    """

    def __init__(self) -> None:
        self.host = LOOPBACK
        self.port = 0
        self._runner: web.AppRunner | None = None

    @abstractmethod
    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""

    @property
    def is_stopped(self) -> bool:
        return self._runner is None

    async def start(self) -> None:
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self.handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Refuse connections from now on; the port stays ours to start on again."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
