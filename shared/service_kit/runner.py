"""Runs an application as the whole process: signals, graceful drain, exit status."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

from aiohttp import web

from service_kit.errors import ServiceError
from service_kit.settings import ENV_PREFIX, HttpSettings, SettingsInvalid
from service_kit.web import guarded_site, install_shortcut, start_draining

OnListening = Callable[[str], None]

BACKLOG: Final = 1024
LAST_REQUESTS_STEP_SECONDS: Final = 0.01
LAST_REQUESTS_LOOKS: Final = 50  # half a second for what clients are sending while the stop begins

log = logging.getLogger(__name__)


class CannotListen(ServiceError):
    """The address cannot be listened on. The text says why and which setting to change."""


def run_application(
    application: web.Application, settings: HttpSettings, *, on_listening: OnListening | None = None
) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit status.

    The port is taken before the application starts up, so that a second instance fails at once;
    `on_listening` gets the base address once requests are answered. The first signal stops accepting,
    lets requests finish for `drain_seconds` and closes the application: status 0. A second one ends
    what is left at once: status 128 + signal. Raises `CannotListen` and what the start-up raises.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_Process(application, settings, on_listening).run())


def told_in_a_line(serve: Callable[[], int]) -> int:
    """Serve; tell what makes that impossible in a line, with exit status 1."""
    try:
        return serve()
    except (SettingsInvalid, ServiceError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        from uvloop import new_event_loop  # noqa: PLC0415 - it does not exist on every platform
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = new_event_loop
    return factory


class _Process:
    def __init__(
        self, application: web.Application, settings: HttpSettings, on_listening: OnListening | None
    ) -> None:
        self._application = application
        self._settings = settings
        self._on_listening = on_listening
        self._signalled = asyncio.Event()
        self._work: asyncio.Task[Any] | None = None  # what the next signal cancels
        self._forced = 0

    async def run(self) -> int:
        with bind(self._settings.host, self._settings.port) as listener, self._signals():
            # the server waits twice for a request: until it is answered, then until its task ends
            runner = web.AppRunner(
                self._application, shutdown_timeout=self._settings.drain_seconds / 2, handle_signals=False
            )
            try:
                if await self._until_signalled(runner.setup()):
                    await start_listening(runner, listener, self._settings)
                    self._report(listener)
                    await self._signalled.wait()
                    log.info("stopping: requests may finish for %g s", self._settings.drain_seconds)
            finally:
                await self._finish(_drain(runner))
        return self._forced and 128 + self._forced

    def _report(self, listener: socket.socket) -> None:
        address = base_url(self._settings.host, listener.getsockname()[1])
        log.info("listening on %s", address)
        if self._on_listening is not None:
            self._on_listening(address)

    async def _until_signalled(self, start: Coroutine[Any, Any, None]) -> bool:
        starting = asyncio.ensure_future(start)
        signalled = asyncio.ensure_future(self._signalled.wait())
        await asyncio.wait({starting, signalled}, return_when=asyncio.FIRST_COMPLETED)
        signalled.cancel()
        if starting.done():
            await starting
            return True
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return False

    async def _finish(self, cleanup: Coroutine[Any, Any, None]) -> None:
        self._work = asyncio.ensure_future(cleanup)
        await asyncio.wait({self._work})
        if not self._work.cancelled() and (error := self._work.exception()) is not None:
            log.error("closing failed: %s", error, exc_info=error)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal, number)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _on_signal(self, number: int) -> None:
        if not self._signalled.is_set():
            self._signalled.set()
        elif self._work is not None:
            log.warning("second signal: ending at once")
            self._forced = number
            self._work.cancel()


async def _drain(runner: web.AppRunner) -> None:
    """Refuse new connections, answer what still comes over the open ones, and close the application.

    A client may be sending its next request at this very moment: a connection that just waits is not closed
    at once, but after its next answer, or when the clients have had half a second to be told.
    """
    for site in list(runner.sites):
        await site.stop()
    if (server := runner.server) is not None:
        start_draining(runner.app)
        for _ in range(LAST_REQUESTS_LOOKS):
            if not server.connections:
                break
            await asyncio.sleep(LAST_REQUESTS_STEP_SECONDS)
    await runner.cleanup()


async def start_listening(runner: web.AppRunner, listener: socket.socket, settings: HttpSettings) -> None:
    """Answer requests on the socket with an application that was set up. Raises `CannotListen`."""
    if runner.server is not None:
        install_shortcut(runner.app, runner.server)
    try:
        await guarded_site(runner, listener, backlog=BACKLOG).start()
    except OSError as error:  # another process bound the same port at the same moment
        raise _cannot_listen(settings.host, settings.port, error) from error


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address. Raises `CannotListen`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> CannotListen:
    reason = (error.strerror or str(error)).lower()
    return CannotListen(
        f"cannot listen on {host} port {port}: {reason}; stop what uses it,"
        f" or set {ENV_PREFIX}HOST and {ENV_PREFIX}PORT to another address"
    )


def base_url(host: str, port: int) -> str:
    """Return the address under which a client on this machine reaches a listener on `host`."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
