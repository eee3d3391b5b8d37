"""A PRIMARY of the kind that knows neither revisions nor validators: it only has documents."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, category_of_v1_name
from support.restartable import RestartableServer
from support.serving import LOOPBACK

CATEGORIES = tuple(map(str, MODEL_REFERENCE_CATEGORY))
PATCHES = ("lora", "ti")
V2_ONLY = ("controlnet_annotator", "video_generation", "audio_generation", *PATCHES)


class OldPrimary(RestartableServer):
    """Serves `v2` and `v1`, documents by category; tests may change everything while it runs.

    `failing` holds a status for single paths, `status` one for all; `garbage` is sent as every document;
    `hang` answers nobody. `asked` counts requests by path.
    """

    def __init__(self) -> None:
        super().__init__()
        self.v2: dict[str, bytes] = dict.fromkeys(V2_ONLY, b"{}")
        self.v1: dict[str, bytes] = {}
        self.canonical_format = "v2"
        self.status: int | None = None
        self.failing: dict[str, int] = {}
        self.garbage: bytes | None = None
        self.hang = False
        self.with_etags = False
        self.asked: Counter[str] = Counter()
        self.not_modified = 0

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/api"

    def put(
        self, category: str, records: Mapping[str, Mapping[str, Any]], legacy: bytes | None = None
    ) -> None:
        """Have these records, and this legacy document."""
        self.v2[category] = json.dumps(records, separators=(",", ":")).encode()
        if category not in V2_ONLY:
            self.v1[category] = json.dumps(records, indent=4).encode() if legacy is None else legacy

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path.removeprefix("/api")
        self.asked[path] += 1
        if self.hang:
            await asyncio.Event().wait()
        status = self.failing.get(path, self.status)
        if status is not None:
            return web.json_response({"detail": "broken"}, status=status)
        return self._answer(request, path.strip("/").removeprefix("model_references/"))

    def _answer(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        version, _, name = path.partition("/")
        if version in {"v1", "v2"} and "/" not in name:
            return self._of_version(request, version, name)
        fixed = {
            "heartbeat": {"status": "ok"},
            "replicate_mode": {
                "replicate_mode": "PRIMARY",
                "canonical_format": self.canonical_format,
                "writable": True,
            },
        }
        if path in fixed:
            return web.json_response(fixed[path])
        return web.json_response({"detail": "Not Found"}, status=404)

    def _of_version(self, request: web.BaseRequest, version: str, name: str) -> web.StreamResponse:
        if version == "v2":
            return self._document(request, self.v2, name)
        if name == "diffusers.json":
            return web.Response(body=b"{ }\n", content_type="application/json")
        category = category_of_v1_name(name) or name
        if category in PATCHES:
            return web.json_response({})
        return self._document(request, self.v1, category)

    def _document(
        self, request: web.BaseRequest, documents: Mapping[str, bytes], category: str
    ) -> web.StreamResponse:
        if category not in CATEGORIES:
            return web.json_response({"detail": [{"type": "enum"}]}, status=422)
        body = documents.get(category)
        if body is None:
            return web.json_response({"detail": f"no data for '{category}'"}, status=404)
        if self.garbage is not None:
            return web.Response(body=self.garbage, content_type="text/html")
        if not self.with_etags:
            return web.Response(body=body, content_type="application/json")
        tag = f'"{hash(body)}"'
        if request.headers.get("If-None-Match") == tag:
            self.not_modified += 1
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(body=body, content_type="application/json", headers={"ETag": tag})


@contextlib.asynccontextmanager
async def old_primary() -> AsyncIterator[OldPrimary]:
    """Run one without records."""
    primary = OldPrimary()
    await primary.start()
    try:
        yield primary
    finally:
        await primary.stop()
