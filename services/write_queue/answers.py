"""Answers of the write side."""

import asyncio
from collections.abc import Callable
from typing import Final

import orjson
from aiohttp import hdrs, web
from multidict import istr

from service_kit.problems import JSON_TYPE, NO_STORE
from service_kit.revision_headers import X_REVISION
from write_queue.domain.service import Outcome

IDEMPOTENCY_REPLAYED: Final = istr("Idempotency-Replayed")


def answer(outcome: Outcome) -> web.Response:
    """Return what came of a command."""
    response = value_answer(outcome.body, outcome.revision, status=outcome.status)
    if outcome.replayed:
        response.headers[IDEMPOTENCY_REPLAYED] = "true"
    return response


def value_answer(value: object, revision: int | None = None, *, status: int = 200) -> web.Response:
    """Return a JSON value, made from the catalogue of a revision; nothing with 204."""
    if status == web.HTTPNoContent.status_code:
        return _response(None, revision, status)
    return _response(orjson.dumps(value), revision, status)


async def large_answer(make: Callable[[], object], revision: int) -> web.Response:
    """Return a JSON value that may take a while to make: it is made and rendered off the event loop."""
    return _response(await asyncio.to_thread(lambda: orjson.dumps(make())), revision, 200)


def _response(body: bytes | None, revision: int | None, status: int) -> web.Response:
    # what somebody with a key was told is for nobody else, and the queue changes at any moment
    response = web.Response(status=status, body=body, headers={hdrs.CACHE_CONTROL: NO_STORE})
    if body is not None:
        response.content_type = JSON_TYPE
    if revision is not None:
        response.headers[X_REVISION] = str(revision)
    return response
