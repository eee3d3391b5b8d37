"""Calls to GitHub that are made until they have an answer, or none can be had (sync.md section 9)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import cache
from typing import Final, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from service_kit.call_metrics import measured
from sync_worker.github.authenticator import Authenticator
from sync_worker.github.calls import Call
from sync_worker.github.errors import (
    AlreadyExists,
    GithubRefused,
    GithubUnavailable,
    RateLimited,
    TokenRefused,
)
from sync_worker.github.metrics import GithubMetrics
from sync_worker.github.pacing import Pacer
from sync_worker.github.reactions import failure_of
from sync_worker.github.timing import GithubTiming
from sync_worker.github.transport import HttpAnswer, Transport

Shape = TypeVar("Shape", bound=BaseModel)
Value = TypeVar("Value")

PAGE_SIZE: Final = 100
MAX_PAGES: Final = 50
LARGE_BYTES: Final = 64 * 1024
HIDDEN: Final = b"(hidden)"
ANYTHING: Final = TypeAdapter(object)


class GithubApi:
    """Makes calls as one account. All of them raise `GithubFailed` when GitHub does not do what they ask."""

    def __init__(
        self,
        transport: Transport,
        authenticator: Authenticator,
        pacer: Pacer,
        metrics: GithubMetrics,
        timing: GithubTiming,
    ) -> None:
        self._transport = transport
        self._authenticator = authenticator
        self._pacer = pacer
        self._metrics = metrics
        self._timing = timing

    async def ask(self, call: Call, shape: type[Shape]) -> Shape:
        """Return the answer. A call that `creates` is not repeated after an answer that got lost."""
        return await self._patiently(call, _one(shape))

    async def find(self, call: Call, shape: type[Shape]) -> Shape | None:
        """Return the answer; None when there is no such thing."""
        try:
            return await self.ask(call, shape)
        except GithubRefused as error:
            if error.answered_status != 404:
                raise
            return None

    async def do(self, call: Call) -> None:
        """Have something done whose answer does not matter."""
        await self._patiently(call, ANYTHING)

    async def create(
        self, call: Call, shape: type[Shape], look: Callable[[], Awaitable[Shape | None]]
    ) -> Shape:
        """Create something once, although answers get lost: `look` finds what is there already."""
        failures = 0
        while True:
            try:
                return await self.ask(call, shape)
            except AlreadyExists:
                if (found := await look()) is None:
                    raise
                return found
            except GithubUnavailable:
                if (found := await look()) is not None:
                    return found
                failures += 1
                if failures >= self._timing.attempts:
                    raise
            await self._pause(failures)

    async def items(self, call: Call, shape: type[Shape]) -> AsyncIterator[Shape]:
        """Yield what a list holds that comes in pages."""
        for number in range(1, MAX_PAGES + 1):
            query = {**call.query, "per_page": str(PAGE_SIZE), "page": str(number)}
            page = await self._patiently(replace(call, query=query), _several(shape))
            for item in page:
                yield item
            if len(page) < PAGE_SIZE:
                return

    async def _patiently(self, call: Call, shape: TypeAdapter[Value]) -> Value:
        failures = waits = 0
        while True:
            await self._pacer.turn(is_write=call.is_write)
            token = await self._authenticator.token()
            try:
                return await self._with_valid_token(call, shape, token)
            except RateLimited as limit:
                self._metrics.note_limit(limit)
                self._pacer.note_limit(limit)
                waits += 1
                if waits > self._timing.waits:
                    raise
            except GithubUnavailable:
                failures += 1
                if call.creates or failures >= self._timing.attempts:
                    raise
                await self._pause(failures)

    async def _with_valid_token(self, call: Call, shape: TypeAdapter[Value], token: str | None) -> Value:
        try:
            return await self._once(call, shape, token)
        except TokenRefused:
            if token is None or not self._authenticator.invalidate(token):
                raise
        return await self._once(call, shape, await self._authenticator.token())

    async def _once(self, call: Call, shape: TypeAdapter[Value], token: str | None) -> Value:
        with measured(self._metrics.calls, call.operation):
            answer = await self._transport.exchange(call, token)
            self._metrics.note_answer(answer)
            failure = failure_of(call, _without(token, answer), self._timing.wall())
            if failure is not None:
                raise failure
            return await _read(call, shape, answer.body)

    async def _pause(self, failures: int) -> None:
        self._metrics.note_retry()
        await self._timing.sleep(self._timing.policy.pause_seconds(failures))


@cache
def _one(shape: type[Shape]) -> TypeAdapter[Shape]:
    return TypeAdapter(shape)


@cache
def _several(shape: type[Shape]) -> TypeAdapter[tuple[Shape, ...]]:
    return TypeAdapter(tuple[shape, ...])  # type: ignore[valid-type]


async def _read(call: Call, shape: TypeAdapter[Value], body: bytes) -> Value:
    try:
        if len(body) < LARGE_BYTES:
            return shape.validate_json(body or b"null")
        return await asyncio.to_thread(shape.validate_json, body)
    except ValidationError:
        raise GithubUnavailable(f"GitHub did not {call.operation} in a form that is known") from None


def _without(token: str | None, answer: HttpAnswer) -> HttpAnswer:
    """Return the answer without our token, should GitHub repeat it."""
    if token is None or token.encode() not in answer.body:
        return answer
    return replace(answer, body=answer.body.replace(token.encode(), HIDDEN))
