"""A client that sends what it should not, exactly as it is told to."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from support.serving import LOOPBACK, Answer, Client
from support.some_horde import APPROVER

V1 = "/api/model_references/v1"
V2 = "/api/model_references/v2"
QUEUE = f"{V2}/pending_queue"
JSON_TYPE = "application/json"
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """All that came over a connection, taken apart; `status` is 0 where nothing came."""

    raw: bytes
    ended: bool

    @property
    def status(self) -> int:
        return int(self.raw.split(b" ", 2)[1]) if self.raw.startswith(b"HTTP/") else 0

    @property
    def head(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[0].lower()

    @property
    def body(self) -> bytes:
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def answers(self) -> int:
        """How many answers came, as far as bodies do not hold one."""
        return self.raw.count(b"HTTP/1.")


class Attacker(Client):
    """Speaks to the product as a user, or as nobody with the key `""`."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        super().__init__(session, port)
        self._numbers = iter(range(1, 1_000_000))

    def name(self, prefix: str = "model") -> str:
        """Return a name that no other test of this client took."""
        return f"{prefix} {id(self)} {next(self._numbers)}"

    async def say(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str = APPROVER,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request with a JSON body, if any."""
        named: dict[str, str] = {"apikey": key} if key else {}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else orjson.dumps(body)
            named["Content-Type"] = JSON_TYPE
        return await self.ask(path, method, data=data, headers={**named, **(headers or {})})

    async def propose(self, category: str, body: Mapping[str, Any], *, key: str = APPROVER) -> dict[str, Any]:
        """Propose a record and return the change."""
        answer = await self.say("POST", f"{V2}/{category}", body, key=key)
        assert answer.status == 202, answer.body
        change: dict[str, Any] = answer.json
        return change

    async def raw_say(
        self, method: str, path: str, body: object = None, *, key: str, lines: Sequence[str] = ()
    ) -> RawAnswer:
        """Say it over a connection of its own, with a key that need not be fit for a header."""
        data = b"" if body is None else orjson.dumps(body)
        return await self.raw(with_body(method, path, data, *lines, key=key))

    async def raw(
        self, request: bytes, *, until: bytes | None = None, more_seconds: float = 0.0
    ) -> RawAnswer:
        """Send bytes over a connection of their own, and return what comes until it ends, or time is up.

        Where the server leaves it open: what comes until these bytes, and so much longer.
        """
        reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        received, ended = bytearray(), False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS) as limit:
                writer.write(request)
                while piece := await reader.read(65536):
                    received += piece
                    if until is not None and until in received:
                        limit.reschedule(asyncio.get_running_loop().time() + more_seconds)
                        until = None
                ended = True
        except TimeoutError:
            pass
        except ConnectionError:
            ended = True
        finally:
            writer.close()
        return RawAnswer(bytes(received), ended)


def head(method: str, path: str, *lines: str, key: str = APPROVER, close: bool = True) -> bytes:
    """Return the head of a request; lines are taken as they are, one byte for each character."""
    all_lines = [f"{method} {path} HTTP/1.1", "Host: service"]
    all_lines += [f"apikey: {key}"] if key else []
    all_lines += ["Connection: close"] if close else []
    return "\r\n".join([*all_lines, *lines, "", ""]).encode("latin-1")


def with_body(method: str, path: str, body: bytes, *lines: str, key: str = APPROVER) -> bytes:
    """Return a request with a JSON body."""
    described = (f"Content-Type: {JSON_TYPE}", f"Content-Length: {len(body)}")
    return head(method, path, *described, *lines, key=key) + body
