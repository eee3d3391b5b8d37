"""A PRIMARY whose every answer a test decides: of our kind, with revisions, or of the old one."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from support.serving import LOOPBACK

Documents = dict[str, dict[str, dict[str, Any]]]
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
ROOT = "/api/model_references/v2/"


def a_clip(name: str, description: str = "one") -> dict[str, Any]:
    return {"name": name, "record_type": "clip", "description": description}


def a_blip(name: str, description: str = "one") -> dict[str, Any]:
    return {"name": name, "record_type": "blip", "description": description}


def two_categories(description: str = "one") -> Documents:
    return {
        "clip": {"a": a_clip("a", description), "b": a_clip("b")},
        "blip": {"c": a_blip("c", description)},
    }


class ScriptedPrimary:
    """`pasts[n - 1]` is the catalogue at revision n. `knows_revisions=False` makes it one of the old kind."""

    def __init__(self, documents: Documents, *, knows_revisions: bool = True) -> None:
        self.pasts: list[Documents] = [documents]
        self.knows_revisions = knows_revisions
        self.offers_changes = True
        self.offers_events = True
        self.fault: Fault | None = None
        self.asked: list[str] = []
        self.etags_seen: list[str | None] = []
        self.port = 0
        self._streams: set[asyncio.Queue[str | None]] = set()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/api"

    @property
    def head(self) -> int:
        return len(self.pasts)

    @property
    def listeners(self) -> int:
        return len(self._streams)

    def commit(self, documents: Mapping[str, dict[str, dict[str, Any]]]) -> int:
        """Make the next revision, with other documents for some categories, and tell those who listen."""
        self.pasts.append({**self.pasts[-1], **documents})
        touched = {"categories": {name: {"updated": 1} for name in documents}}
        self.tell("catalog.committed", {"revision": self.head, **touched})
        return self.head

    def tell(self, name: str, data: Mapping[str, Any]) -> None:
        for stream in self._streams:
            stream.put_nowait(f"id: {data['revision']}\nevent: {name}\ndata: {json.dumps(data)}\n\n")

    def end_streams(self) -> None:
        for stream in self._streams:
            stream.put_nowait(None)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["ScriptedPrimary"]:
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, 0)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            self.end_streams()
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(ROOT)
        self.asked.append(path)
        if self.fault is not None and (faulty := await self.fault(request)) is not None:
            return faulty
        if path == "changes" and self.knows_revisions and self.offers_changes:
            return self._changes(request)
        if path == "bundle" and self.knows_revisions:
            return self._json(
                request, {"revision": self.head, "v2": self.pasts[-1], "side_data": {}, "metadata": {}}
            )
        if path == "events" and self.knows_revisions and self.offers_events:
            return await self._events(request)
        if path in self.pasts[-1]:
            return self._document(request, path)
        return web.json_response({"detail": "not here"}, status=404)

    def _document(self, request: web.Request, category: str) -> web.Response:
        self.etags_seen.append(request.headers.get("If-None-Match"))
        revision = request.query.get("revision")
        past = self.pasts[int(revision) - 1] if revision is not None else self.pasts[-1]
        return self._json(request, past[category], int(revision) if revision is not None else None)

    def _changes(self, request: web.Request) -> web.Response:
        since = int(request.query["since"])
        if since > self.head:
            return web.json_response({"detail": "no such revision"}, status=404)
        before, after = self.pasts[since - 1], self.pasts[-1]
        categories = {name: _difference(before.get(name, {}), after[name]) for name in after}
        value = {"from": since, "to": self.head, "categories": {k: v for k, v in categories.items() if v}}
        return self._json(request, value)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": hello\n\n")
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._streams.add(queue)
        try:
            while (event := await queue.get()) is not None:
                await response.write(event.encode())
        finally:
            self._streams.discard(queue)
        return response

    def _json(self, request: web.Request, value: object, revision: int | None = None) -> web.Response:
        wanted = request.headers.get("X-Min-Revision")
        if self.knows_revisions and wanted is not None and int(wanted) > self.head:
            return web.json_response({"detail": "not yet"}, status=503)
        body = json.dumps(value).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()}"'
        headers = {"ETag": etag}
        if self.knows_revisions:
            headers["X-Revision"] = str(revision or self.head)
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", headers=headers)


def _difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any] | None:
    added = {name: item for name, item in after.items() if name not in before}
    changed = {name: item for name, item in after.items() if name in before and before[name] != item}
    removed = [name for name in before if name not in after]
    return {"added": added, "changed": changed, "removed": removed} if added or changed or removed else None
