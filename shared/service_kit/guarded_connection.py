"""Connections of clients that are slow on purpose, or do not speak HTTP.

aiohttp bounds how long a connection may be idle. Here is also bounded how long the head of a request may
take, and how long a client may leave its answer unread; and what is no HTTP gets an answer in the one shape
for errors. (What came is neither logged nor sent back: it may hold a key.)
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from service_kit.problems import problem
from service_kit.telemetry import Telemetry

NOT_HTTP: Final = "the request is not valid HTTP, or a line of its head is too long"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionRules:
    """What the connections of one application have in common; `arguments` go to aiohttp's handler.

    `dress` adds the headers that every answer has.
    """

    arguments: Mapping[str, Any]
    head_timeout_seconds: float
    stalled_answer_seconds: float
    telemetry: Telemetry
    dress: Callable[[web.Request, web.StreamResponse], None]

    def connection(self, server: web.Server) -> "GuardedConnection":
        """Return what handles one connection of the server."""
        return GuardedConnection(server, self)


class GuardedSite(web.BaseSite):
    """A listening socket whose connections are guarded."""

    __slots__ = ("_listener", "_rules")

    def __init__(
        self, runner: web.AppRunner, listener: socket.socket, rules: ConnectionRules, *, backlog: int
    ) -> None:
        super().__init__(runner, backlog=backlog)
        self._listener = listener
        self._rules = rules

    @property
    def name(self) -> str:
        """What the site is called by aiohttp."""
        return f"guarded {self._listener.fileno()}"

    async def start(self) -> None:
        """Begin to accept connections."""
        await super().start()
        server = self._runner.server
        if server is None:
            raise RuntimeError("the application is not set up")
        self._server = await asyncio.get_running_loop().create_server(
            lambda: self._rules.connection(server), sock=self._listener, backlog=self._backlog
        )


class GuardedConnection(web.RequestHandler):
    """aiohttp's handler of one connection, with time limits of its own."""

    __slots__ = ("_answer_timer", "_head_timer", "_rules", "_unsent_bytes")

    def __init__(self, server: web.Server, rules: ConnectionRules) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **rules.arguments)
        self._rules = rules
        self._head_timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None
        self._unsent_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take bytes. Once some of a head are there, the rest must come in time."""
        super().data_received(data)
        if self._messages:  # aiohttp's own: whole heads that nobody has looked at yet
            self._stop(self._head_timer)
            self._head_timer = None
        elif self._head_timer is None and self._waiter is not None:  # it waits for a head, not for a body
            self._await_head()

    def pause_writing(self) -> None:
        """Begin to watch whether the client takes its answer."""
        super().pause_writing()
        self._watch_answer()

    def resume_writing(self) -> None:
        """End watching."""
        self._stop(self._answer_timer)
        self._answer_timer = None
        super().resume_writing()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the timers."""
        self._stop(self._head_timer)
        self._stop(self._answer_timer)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's; it repeats what was sent
    ) -> web.StreamResponse:
        """Answer what is not HTTP, or what failed outside of the application, and close the connection."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has already begun")
        if status == 400:
            log.info("a request from %s is not HTTP: %s", request.remote, type(exc).__name__)
            answer = problem(status, NOT_HTTP)
        else:
            log.error("unhandled outside of the application", exc_info=exc)
            answer = problem(500, "internal error")
        return self._last_answer(request, answer)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer. What aiohttp raised before the application was asked gets the one shape too."""
        if isinstance(resp, Exception):  # an unknown `Expect`
            resp = self._last_answer(request, problem(resp.status, resp.reason))
        return await super().finish_response(request, resp, start_time)

    def _last_answer(self, request: web.BaseRequest, answer: web.Response) -> web.Response:
        if isinstance(request, web.Request):  # the application makes no others
            self._rules.dress(request, answer)
        answer.force_close()
        return answer

    def _await_head(self) -> None:
        seconds = self._rules.head_timeout_seconds
        self._head_timer = asyncio.get_running_loop().call_later(seconds, self._give_up_head)

    def _give_up_head(self) -> None:
        self._rules.telemetry.slow_connections_closed.labels("head").inc()
        self.force_close()

    def _watch_answer(self) -> None:
        self._unsent_bytes = self._unsent()
        seconds = self._rules.stalled_answer_seconds
        self._answer_timer = asyncio.get_running_loop().call_later(seconds, self._look_at_answer)

    def _look_at_answer(self) -> None:
        if self._unsent() < self._unsent_bytes:
            self._watch_answer()
            return
        self._rules.telemetry.slow_connections_closed.labels("answer").inc()
        if self.transport is not None:
            self.transport.abort()

    def _unsent(self) -> int:
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    @staticmethod
    def _stop(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()
