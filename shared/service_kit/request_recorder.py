"""Metrics and access log of each request, taken after its last byte was handed over."""

from contextvars import ContextVar
from time import perf_counter
from time import time as unix_time
from typing import Final

from aiohttp import hdrs, web
from aiohttp.abc import AbstractAccessLogger

from service_kit.access_log import AccessLine, AccessLog, render_line
from service_kit.ready_response import X_REQUEST_ID, ReadyResponse
from service_kit.telemetry import RequestSeries, Telemetry

STARTED: Final = ContextVar("STARTED", default=0.0)
"""When the request of this task came in, by the performance counter: each has a task of its own."""

KNOWN_METHODS: Final = frozenset(hdrs.METH_ALL)
UNMATCHED: Final = "(unmatched)"


class RequestRecorder(AbstractAccessLogger):
    """Plugs into the server where it would call its own access logger.

    Being called there once a request is over is cheaper than anything a middleware could do, it sees the
    bytes sent, and it also sees what never reaches a middleware, such as requests that are not HTTP.
    One instance serves all connections.
    """

    def __init__(self, telemetry: Telemetry, access_log: AccessLog | None) -> None:
        self._metrics = telemetry.requests
        self._service = telemetry.service
        self._access_log = access_log
        self._series: dict[tuple[web.AbstractRoute, int], RequestSeries] = {}
        self._ready_series: dict[tuple[str, str, int], RequestSeries] = {}

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Record one request. `time` comes in steps of a millisecond, so only as the second choice."""
        if type(response) is ReadyResponse:
            series = self._series_of_ready(request.method, response)
        else:
            series = self._find_series(request, response.status)
        started = STARTED.get()
        seconds = perf_counter() - started if started else time
        series.observe(seconds)
        if self._access_log is not None:
            self._access_log.append(self._access_line(request, response, seconds))

    def _series_of_ready(self, method: str, response: ReadyResponse) -> RequestSeries:
        key = (method, response.route, response.status)
        found = self._ready_series.get(key)
        return self._ready_series.setdefault(key, self._metrics.series(*key)) if found is None else found

    def _find_series(self, request: web.BaseRequest, status: int) -> RequestSeries:
        try:
            route = request.match_info.route  # type: ignore[attr-defined] # every routed request has it
        except (AssertionError, AttributeError):  # not HTTP: it never reached the router
            return self._metrics.series("(invalid)", UNMATCHED, status)
        found = self._series.get((route, status))
        return self._new_series(route, status, request.method) if found is None else found

    def _new_series(self, route: web.AbstractRoute, status: int, method: str) -> RequestSeries:
        known_method = method if method in KNOWN_METHODS else "(other)"
        if (resource := route.resource) is None:  # 404 and 405 of the router make a route each time
            return self._metrics.series(known_method, UNMATCHED, status)
        series = self._metrics.series(known_method, resource.canonical, status)
        return self._series.setdefault((route, status), series)

    def _access_line(self, request: web.BaseRequest, response: web.StreamResponse, seconds: float) -> bytes:
        if type(response) is ReadyResponse:
            request_id = response.request_id
        else:
            request_id = response.headers.get(X_REQUEST_ID, "")
        return render_line(
            AccessLine(
                unix_time(),
                request.method,
                request.raw_path if isinstance(request, web.Request) else "",
                response.status,
                response.body_length,
                seconds,
                request.remote,
                request.headers.get(hdrs.USER_AGENT),
                request_id,
                self._service,
            )
        )
