"""The header `Idempotency-Key`, by which a client may send the same write again without harm."""

import hashlib
import re
from typing import Final

from aiohttp import web
from multidict import istr

from service_kit.errors import RequestInvalid

IDEMPOTENCY_KEY: Final = istr("Idempotency-Key")
VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_key(request: web.BaseRequest) -> str | None:
    """Return the key, or None where the request has none. Raises `RequestInvalid`.

    A key consists of 1 to 255 visible ASCII characters, and is given once.
    """
    given = request.headers.getall(IDEMPOTENCY_KEY, [])
    if not given:
        return None
    if len(given) > 1 or not VISIBLE.fullmatch(given[0]):
        problem = {
            "type": "value_error",
            "loc": ["header", "idempotency-key"],
            "msg": "Value error, Idempotency-Key must be given once, with 1 to 255 visible ASCII characters",
            "input": None,
        }
        raise RequestInvalid([problem])
    return given[0]


def key_digest(key: str) -> str:
    """Return what is stored of a key: what clients choose as one is their own business."""
    return hashlib.sha256(key.encode()).hexdigest()


def fingerprint(request: web.BaseRequest, raw_body: bytes) -> str:
    """Return the SHA-256 of what the request asks for: method, path and query as sent, and body."""
    path, _, query = request.raw_path.partition("?")
    digest = hashlib.sha256()
    for part in (
        request.method.encode(),
        path.encode(errors="surrogateescape"),
        query.encode(errors="surrogateescape"),
        raw_body,
    ):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
