"""Whom an API key belongs to, as the AI-Horde tells (http-write-api.md section 2, aihorde-api.md).

A key goes nowhere but to the AI-Horde: errors of the HTTP client may hold the headers of the request, so
none of them is raised, chained or logged; and redirects are not followed.
"""

import contextlib
import logging
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson
from aiohttp import hdrs

from service_kit.access_settings import KeyCheckSettings
from service_kit.errors import KeyInvalid, KeyServiceBusy, KeyServiceUnavailable

MAX_ANSWER_BYTES: Final = 256 * 1024
MAX_NAME_CHARACTERS: Final = 500
MAX_RETRY_AFTER_SECONDS: Final = 60
MAX_CONNECTIONS: Final = 20
CONTROL_CHARACTER: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whom the AI-Horde knows. `user_id` is what follows the last `#` of the name.

    For the holder of a shared key that is no number. `may_hold_roles` is false for those, for the anonymous
    user, for flagged and deleted ones, and wherever name and numeric id do not agree.
    """

    user_id: str
    username: str
    may_hold_roles: bool = True


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    media_type: str
    retry_after: str
    body: bytes


class HordeUsers:
    """Asks the AI-Horde, once per call."""

    def __init__(self, session: aiohttp.ClientSession, api_url: str) -> None:
        self._session = session
        self._url = f"{api_url.rstrip('/')}/v2/find_user"

    async def find(self, apikey: str) -> User:
        """Return the user of a key of printable ASCII. Raises `KeyInvalid` or `KeyServiceUnavailable`."""
        outcome = await self._call(apikey)
        if isinstance(outcome, KeyServiceUnavailable):
            raise outcome
        return _judge(outcome)

    async def _call(self, apikey: str) -> _Answer | KeyServiceUnavailable:
        headers = {"apikey": apikey}
        try:
            async with self._session.get(self._url, headers=headers, allow_redirects=False) as answer:
                return _Answer(
                    answer.status,
                    answer.content_type,
                    answer.headers.get(hdrs.RETRY_AFTER, ""),
                    await _bounded_body(answer),
                )
        except TimeoutError:
            return KeyServiceUnavailable("Auth service timed out")
        except (aiohttp.ClientError, OSError) as error:
            log.info("the AI-Horde cannot be reached: %s", type(error).__name__)
            return KeyServiceUnavailable()


@contextlib.asynccontextmanager
async def open_horde_users(api_url: str, settings: KeyCheckSettings) -> AsyncIterator[HordeUsers]:
    """Yield the AI-Horde at the address, with or without a slash at its end. It may be down."""
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=settings.timeout_seconds),
        headers={"Client-Agent": settings.client_agent},
        connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    async with session:
        yield HordeUsers(session, api_url)


async def _bounded_body(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            return b""  # whatever it is, it is no user
    return bytes(body)


def _judge(answer: _Answer) -> User:
    """Return the user, or raise what the answer means.

    A page of HTML comes from something between us and the AI-Horde, and says nothing about the key.
    """
    match answer.status:
        case 200:
            return _read_user(_parse(answer.body))
        case 401 | 403 | 404 if answer.media_type != "text/html":
            raise KeyInvalid
        case 429:
            raise KeyServiceBusy(
                "Auth service is busy", retry_after_seconds=_retry_after_seconds(answer.retry_after)
            )
        case _:
            raise KeyServiceUnavailable


def _parse(body: bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise KeyServiceUnavailable
    return value


def _read_user(answer: Mapping[str, Any]) -> User:
    username = answer.get("username")
    if not isinstance(username, str) or len(username) > MAX_NAME_CHARACTERS:
        raise KeyServiceUnavailable
    username = CONTROL_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", username)
    _, mark, user_id = username.rpartition("#")
    if not mark or not user_id:
        raise KeyInvalid
    number = answer.get("id")
    is_person = isinstance(number, int) and not isinstance(number, bool) and number > 0
    is_in_order = not answer.get("flagged") and not answer.get("deleted")
    return User(user_id, username, may_hold_roles=is_person and is_in_order and user_id == str(number))


def _retry_after_seconds(text: str) -> float:
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return min(max(seconds, 1), MAX_RETRY_AFTER_SECONDS)
