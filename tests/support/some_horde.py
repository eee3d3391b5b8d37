"""An AI-Horde for tests, that knows some users and can be told to misbehave."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

REQUESTOR, APPROVER, READER, ANONYMOUS = "key-requestor", "key-approver", "key-reader", "0000000000"
SHARED, NO_ID = "key-shared", "key-without-id"

USERS: dict[str, dict[str, Any]] = {
    REQUESTOR: {"username": "requestor#101", "id": 101},
    APPROVER: {"username": "approver#202", "id": 202},
    READER: {"username": "reader#303", "id": 303},
    ANONYMOUS: {"username": "Anonymous#0", "id": 0},
    SHARED: {"username": "requestor#101 (Shared Key: toy)", "id": 101},
    NO_ID: {"username": "nobody"},
}

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SomeHorde:
    """`answer_with`, where set, answers everything instead; `seen` holds all requests."""

    def __init__(self) -> None:
        self.users = dict(USERS)
        self.answer_with: Answering | None = None
        self.seen: list[web.Request] = []
        self.application = web.Application()
        self.application.router.add_get("/{prefix:(api/)?}v2/find_user", self._find_user)

    async def _find_user(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        if self.answer_with is not None:
            return await self.answer_with(request)
        key = request.headers.get("apikey", "")
        if key not in self.users:
            body = {"message": f"User with api_key '{key}' not found.", "rc": "UserNotFound"}
            return web.json_response(body, status=404)
        return web.json_response({**self.users[key], "kudos": 1.0})


def always(status: int, body: object = None, **headers: str) -> Answering:
    """Return what answers with a text, or with JSON."""

    async def answer(_: web.Request) -> web.StreamResponse:
        if isinstance(body, bytes):
            return web.Response(status=status, body=body, headers=headers)
        return web.json_response(body, status=status, headers=headers)

    return answer


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


async def break_off(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
