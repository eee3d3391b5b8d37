"""The routes that watch over a service: `/live`, `/ready` and `/metrics`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from service_kit.errors import ServiceError
from service_kit.web import TELEMETRY

CHECK_TIMEOUT_SECONDS: Final = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """Something that a service needs. `run` raises when it is not there.

    A check that is not `required` is reported, but the service counts as ready without it. One that is a
    `call` asks a neighbour, so that the time it takes says something of that one.
    """

    name: str
    run: Callable[[], Awaitable[None]]
    required: bool = True
    is_call: bool = False


def add_health_routes(
    application: web.Application,
    checks: Sequence[Check] = (),
    *,
    timeout_seconds: float = CHECK_TIMEOUT_SECONDS,
    details: Callable[[], Mapping[str, object]] = dict,
) -> None:
    """Add the three routes.

    `/live` says that the process answers, without looking at any neighbour. `/ready` runs all checks at
    once, each under the time limit: 200 or 503 with `{"status", "checks": {name: "ok" or why not}}`, and
    with the members that `details` returns.
    """

    async def live(_: web.Request) -> web.Response:
        return _json({"status": "alive"})

    async def ready(_: web.Request) -> web.Response:
        outcomes = await asyncio.gather(*(outcome_of(check, timeout_seconds) for check in checks))
        is_ready = all(
            outcome == "ok" for check, outcome in zip(checks, outcomes, strict=True) if check.required
        )
        results = {check.name: outcome for check, outcome in zip(checks, outcomes, strict=True)}
        body = {"status": "ready" if is_ready else "not ready", "checks": results, **details()}
        return _json(body, 200 if is_ready else 503)

    async def metrics(request: web.Request) -> web.Response:
        return web.Response(
            body=await request.app[TELEMETRY].render_all(), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    application.add_routes(
        [web.get("/live", live), web.get("/ready", ready), web.get("/metrics", metrics)],
    )


async def outcome_of(check: Check, timeout_seconds: float = CHECK_TIMEOUT_SECONDS) -> str:
    """Run a check under the time limit, and return "ok" or why not."""
    try:
        async with asyncio.timeout(timeout_seconds):
            await check.run()
    except TimeoutError:
        return f"no answer within {timeout_seconds:g} s"
    except ServiceError as error:
        return str(error) or type(error).__name__
    return "ok"


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(body),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
