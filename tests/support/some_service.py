"""An application with a few routes, what it logs, and its metrics: for tests of the HTTP skeleton."""

import io
import json
from typing import Any

from aiohttp import web

from service_kit.errors import (
    NotFound,
    NotReady,
    ObjectExists,
    RequestInvalid,
    RequestRefused,
    ServiceError,
    StoreFull,
    StoreUnavailable,
    ValueNotKnown,
)
from service_kit.ready_head import ReadyHead
from service_kit.ready_response import ReadyResponse
from service_kit.settings import HttpSettings
from service_kit.telemetry import Telemetry
from service_kit.web import create_application

OURS, OTHER = "https://console.example", "https://other.example"
THING = b'{"a":1}'
LARGE_THING = bytes(range(256)) * 800
INVALID = [{"type": "missing", "loc": ["query", "q"], "msg": "Field required", "input": None}]
ERRORS: dict[str, Exception] = {
    "missing": NotFound("no model 'x' in 'clip'"),
    "refused": RequestRefused("bad value"),
    "invalid": RequestInvalid(INVALID),
    "unknown": ValueNotKnown("unknown category 'x'"),
    "taken": ObjectExists("taken"),
    "not-ready": NotReady("nothing is loaded yet"),
    "store-down": StoreUnavailable("the store does not answer"),
    "full": StoreFull("no room"),
    "plain": ServiceError("said aloud"),
    "bug": KeyError("a secret of the code"),
    "slow": TimeoutError(),
    "http": web.HTTPForbidden(),
    "redirect": web.HTTPFound("/api/things"),
}
READY = {
    "/api/ready": (ReadyHead(200, {"Content-Type": "application/json", "ETag": '"1"'}, len(THING)), THING),
    "/api/large": (
        ReadyHead(200, {"Content-Type": "application/octet-stream"}, len(LARGE_THING)),
        LARGE_THING,
    ),
    "/api/unchanged": (ReadyHead(304, {"ETag": '"1"', "Vary": "Accept-Encoding"}, 0), b""),
}


class SomeService:
    """Every answer carries `X-Revision: 7`. With `shortcut` the ready documents go around the router."""

    def __init__(self, *, shortcut: bool = False, **settings: object) -> None:
        self.access_log = io.BytesIO()
        self.telemetry = Telemetry("test")
        self.application = create_application(
            HttpSettings.model_validate({"cors_allowed_origins": (OURS,), **settings}),
            self.telemetry,
            on_response=lambda _, response: response.headers.update({"X-Revision": "7"}),
            shortcut=find_ready if shortcut else None,
            access_log_output=self.access_log,
        )
        routes = [
            web.get("/api/", index),
            web.get("/api/things", things),
            web.get("/api/things/{name:.+}/parts", things),
            web.post("/api/things", add),
            web.get("/api/fails/{kind}", fail),
            *(web.get(path, ready) for path in READY),
        ]
        self.application.add_routes(routes)

    def lines(self) -> list[dict[str, Any]]:
        """Return the access log, complete after the application has ended."""
        return [json.loads(line) for line in self.access_log.getvalue().splitlines()]


async def index(_: web.Request) -> web.Response:
    return web.Response(text="index")


async def things(_: web.Request) -> web.Response:
    return web.Response(body=THING, content_type="application/json", headers={"Vary": "Accept-Encoding"})


async def add(request: web.Request) -> web.Response:
    return web.Response(text=str(len(await request.read())))


async def fail(request: web.Request) -> web.Response:
    raise ERRORS[request.match_info["kind"]]


async def ready(request: web.Request) -> ReadyResponse:
    return ReadyResponse(*READY[request.path])


def find_ready(request: web.Request) -> ReadyResponse | None:
    found = READY.get(request.raw_path)
    return None if found is None else ReadyResponse(*found, route=request.raw_path)
