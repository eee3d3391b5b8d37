"""The head of an answer, serialized once for many requests."""

import re
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Final

from multidict import istr

SERVER: Final = "horde-model-reference"
CONTENT_TYPE_OPTIONS: Final = istr("X-Content-Type-Options")
NOSNIFF: Final = "nosniff"
"""What strangers wrote into a record is JSON, whatever it looks like to a browser."""

BODILESS: Final = frozenset({204, 304})

_HARMLESS: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


class ReadyHead:
    """Status line and headers of an answer, made once for many requests.

    `headers` are those that are the same for every request; `Vary: Origin`, `Content-Length`, `Server`
    and `X-Content-Type-Options` are added, what differs per request comes later. Raises `ValueError` for a
    header with control characters.
    """

    __slots__ = ("headers", "lines", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body_length: int) -> None:
        vary = headers.get("Vary")
        complete = {**headers, "Vary": f"{vary}, Origin" if vary else "Origin"}
        if status not in BODILESS:
            complete["Content-Length"] = str(body_length)
        complete["Server"] = SERVER
        complete[CONTENT_TYPE_OPTIONS] = NOSNIFF
        self.status = status
        self.headers = complete
        self.lines = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode() + header_lines(complete)


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Return the headers as they go over the wire. Raises `ValueError` rather than let one inject another."""
    return b"".join([_header_line(name, value) for name, value in headers.items()])


@lru_cache(maxsize=1024)  # most of them repeat from answer to answer
def _header_line(name: str, value: str) -> bytes:
    line = f"{name}: {value}"
    if not _HARMLESS.fullmatch(line):
        raise ValueError("a header holds a control character")
    return f"{line}\r\n".encode()
