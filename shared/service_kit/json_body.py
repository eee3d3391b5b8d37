"""Reading a JSON body that anybody may have sent: bounded in size, time, depth and number of values."""

import asyncio
import json
import re
import zlib
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeVar

import orjson
from aiohttp import hdrs, web

from service_kit.errors import PackingUnknown, RequestBroken, RequestInvalid, RequestTooSlow

BODY_TIMEOUT_SECONDS: Final = web.AppKey("body_timeout_seconds", float)

DEFAULT_TIMEOUT_SECONDS: Final = 20.0
MAX_DEPTH: Final = 64
MAX_VALUES: Final = 50_000  # a record of the catalogue has under 1000
LARGE_BYTES: Final = 32 * 1024  # from here on parsing may take milliseconds
MAX_SHOWN_CHARACTERS: Final = 100
SMALLEST_INTEGER: Final = -(2**63)
LARGEST_INTEGER: Final = 2**63 - 1
MAX_INTEGER_CHARACTERS: Final = 20

WINDOW_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""What zlib must be told to unpack each of the content encodings that are accepted."""

JSON_MEDIA_TYPE: Final = re.compile(r"application/([a-z0-9.+-]+\+)?json")
STRING_OR_BRACKET: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)

OPENING: Final = frozenset({b"[", b"{"})
CLOSING: Final = frozenset({b"]", b"}"})

Result = TypeVar("Result")


async def read_body(request: web.Request) -> bytes:
    """Return the whole body; the second call returns the same.

    Raises `RequestTooSlow`, `RequestBroken` and `PackingUnknown`, and aiohttp's 413 for more than the
    application's `client_max_size`, packed or unpacked, whatever length was announced.
    """
    raw = await _read_packed(request)
    packing = ", ".join(request.headers.getall(hdrs.CONTENT_ENCODING, [])).strip().lower()
    if not raw or packing in {"", "identity"}:
        return raw
    if packing not in WINDOW_BITS:
        raise PackingUnknown("the Content-Encoding of the body is not known: send it as it is, or as gzip")
    return await asyncio.to_thread(_unpacked, raw, WINDOW_BITS[packing], request.client_max_size)


async def _read_packed(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(request.app.get(BODY_TIMEOUT_SECONDS, DEFAULT_TIMEOUT_SECONDS)):
            return await request.read()
    except TimeoutError:
        raise RequestTooSlow("the request body did not arrive in time") from None
    except web.RequestPayloadError:
        raise RequestBroken("the request body is cut off or wrongly encoded") from None
    except ConnectionError:
        raise RequestBroken("the connection was closed before the request was complete") from None


def _unpacked(raw: bytes, window_bits: int, max_bytes: int) -> bytes:
    """Return the body; unpacking ends where it gets too large, so that a small bomb does no harm."""
    unpacker = zlib.decompressobj(window_bits)
    try:
        body = unpacker.decompress(raw, max_bytes + 1)
    except zlib.error:
        raise RequestBroken("the request body is not packed as its Content-Encoding says") from None
    if len(body) > max_bytes:
        raise web.HTTPRequestEntityTooLarge(max_bytes, len(body))
    if not unpacker.eof or unpacker.unused_data:
        raise RequestBroken("the packed request body is cut off, or something follows it")
    return body


async def read_json(request: web.Request, *, any_content_type: bool = False) -> Any:  # noqa: ANN401 - it is any
    """Return the value of the JSON body; `null` counts as no body.

    Raises `RequestInvalid` where it is not valid JSON of a sane shape, and what `read_body` raises. Unless
    `any_content_type`, the request must say that it sends JSON.
    """
    return await read_json_as(request, _as_it_is, any_content_type=any_content_type)


async def read_json_as(
    request: web.Request, convert: Callable[[Any], Result], *, any_content_type: bool = False
) -> Result:
    """Return what `convert` makes of the JSON body; off the event loop if the body is large.

    `convert` may raise `RequestInvalid` too, and must do without the event loop.
    """
    raw = await read_body(request)
    if raw and not any_content_type and not JSON_MEDIA_TYPE.fullmatch(request.content_type):
        raise invalid("content_type", "the body must be JSON, sent with the content type application/json")

    def load() -> Result:
        return convert(parse_json(raw))

    return await asyncio.to_thread(load) if len(raw) > LARGE_BYTES else load()


def parse_json(raw: bytes) -> Any:  # noqa: ANN401 - it is any JSON value
    """Return the value, which is never None. Raises `RequestInvalid`.

    Stricter than the usual parsers: refused are also keys that stand twice in an object, integers that do
    not fit into 64 bits, lone surrogates, numbers that are none, and what is nested too deep or too long.
    """
    try:
        value = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError as error:
        problem = _not_json(raw, error)
        raise problem from None
    if value is None:
        raise invalid("missing", "Field required")
    _require_sane_shape(value)
    # the fast parser keeps the last of two equal keys, and makes floats of large integers
    json.loads(raw.decode(), object_pairs_hook=_require_distinct_keys, parse_int=_require_64_bits)
    return value


def invalid(kind: str, message: str, *more: str | int) -> RequestInvalid:
    """Return the error for the body, or the part of it that `more` leads to."""
    return RequestInvalid([{"type": kind, "loc": ["body", *more], "msg": message, "input": None}])


def _as_it_is(value: Any) -> Any:  # noqa: ANN401 - it is any JSON value
    return value


def _require_sane_shape(value: object) -> None:
    level: list[Any] = [value]
    count = 0
    for _ in range(MAX_DEPTH + 1):
        containers = [one for one in level if type(one) is dict or type(one) is list]
        if not containers:
            return
        level = [inner for one in containers for inner in (one.values() if type(one) is dict else one)]
        count += len(level)
        if count > MAX_VALUES:
            raise invalid("too_long", f"the body holds more than {MAX_VALUES} values")
    _refuse_depth()


def _refuse_depth() -> NoReturn:
    raise invalid("too_deep", f"the body is nested deeper than {MAX_DEPTH} levels")


def _require_distinct_keys(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) == len({key for key, _ in pairs}):
        return
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise invalid(
                "json_invalid", f"the key {key[:MAX_SHOWN_CHARACTERS]!r} stands twice in one object"
            )
        seen.add(key)


def _require_64_bits(digits: str) -> int:
    if len(digits) > MAX_INTEGER_CHARACTERS or not SMALLEST_INTEGER <= int(digits) <= LARGEST_INTEGER:
        shown = digits[:MAX_INTEGER_CHARACTERS]
        raise invalid("int_parsing_size", f"the integer {shown} does not fit into 64 bits")
    return 0


def _not_json(raw: bytes, error: orjson.JSONDecodeError) -> RequestInvalid:
    if _is_too_deep(raw):  # the parser gives up at some depth too, with a message about memory
        return invalid("too_deep", f"the body is nested deeper than {MAX_DEPTH} levels")
    problem = {
        "type": "json_invalid",
        "loc": ["body", error.pos],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": error.msg},
    }
    return RequestInvalid([problem])


def _is_too_deep(raw: bytes) -> bool:
    depth = 0
    for found in STRING_OR_BRACKET.finditer(raw):
        token = found[0]
        if token in OPENING:
            depth += 1
        elif token in CLOSING:
            depth -= 1
        if depth > MAX_DEPTH:
            return True
    return False
