"""A small AI-Horde on loopback that tells figures of models."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


class SomeFigures:
    """Answers for models by what is put into it; with `is_broken` everything is a 500.

    `calls` are counted; `url` is what services are given, once it is served.
    """

    def __init__(self) -> None:
        self.status: dict[str, list[dict[str, Any]]] = {"image": [], "text": []}
        self.usage: dict[str, dict[str, dict[str, int]]] = {"img": {}, "text": {}}
        self.workers: dict[str, list[dict[str, Any]]] = {"image": [], "text": []}
        self.is_broken = False
        self.calls = 0
        self.url = ""
        self.application = web.Application()
        self.application.router.add_get("/api/v2/status/models", self._status)
        self.application.router.add_get("/api/v2/stats/{kind}/models", self._usage)
        self.application.router.add_get("/api/v2/workers", self._workers)

    def serve(self, kind: str, name: str, *, threads: int) -> None:
        """Have workers for a model."""
        line = {"name": name, "count": threads, "performance": 1.5, "queued": 0.5, "jobs": 1.0, "eta": 3}
        self.status[kind].append(line)

    def use(self, kind: str, name: str, times: int) -> None:
        """Have a model used so often in the month."""
        periods = self.usage["img" if kind == "image" else kind]
        for period in ("day", "month", "total"):
            periods.setdefault(period, {})[name] = times

    async def _status(self, request: web.Request) -> web.Response:
        return self._answer(self.status[request.query["type"]])

    async def _usage(self, request: web.Request) -> web.Response:
        return self._answer({"day": {}, "month": {}, "total": {}, **self.usage[request.match_info["kind"]]})

    async def _workers(self, request: web.Request) -> web.Response:
        return self._answer(self.workers[request.query["type"]])

    def _answer(self, value: object) -> web.Response:
        self.calls += 1
        return (
            web.json_response({"message": "broken"}, status=500)
            if self.is_broken
            else web.json_response(value)
        )


@contextlib.asynccontextmanager
async def some_figures() -> AsyncIterator[SomeFigures]:
    """Serve an AI-Horde that knows one image model, `Flux`, with 4 threads and 20 uses."""
    horde = SomeFigures()
    horde.serve("image", "Flux", threads=4)
    horde.use("image", "Flux", 20)
    async with TestServer(horde.application) as server:
        horde.url = str(server.make_url("/api/"))
        yield horde
