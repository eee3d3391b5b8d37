"""Content codings: which one a client gets, and how bytes are put into it."""

import gzip
import zlib
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Final

import brotli  # type: ignore[import-untyped] # it ships without types

from service_kit.slices import Steps

MIN_COMPRESSED_BYTES: Final = 1024  # below, a coding saves less than its headers and the work cost
SLOWEST_BROTLI_BYTES: Final = 16 * 1024 * 1024  # above, the slowest level would take tens of seconds


class Coding(StrEnum):
    """The codings that are offered, by their names in HTTP, best ratio first."""

    BROTLI = "br"
    GZIP = "gzip"
    IDENTITY = "identity"


class Effort(StrEnum):
    """How hard a compressor tries. Each has its own bytes, hence its own ETag."""

    FAST = "fast"
    BEST = "best"


COMPRESSED: Final = (Coding.BROTLI, Coding.GZIP)

GZIP_LEVELS: Final = {Effort.FAST: 6, Effort.BEST: 9}
BROTLI_QUALITIES: Final = {Effort.FAST: 5, Effort.BEST: 11}
BROTLI_QUALITY_FOR_HUGE: Final = 9
PIECE_BYTES: Final = 64 * 1024


def compress_steps(body: bytes, coding: Coding, effort: Effort) -> Steps[bytes]:
    """Put the body into a coding, piece by piece. Releases the interpreter lock while it works."""
    match coding:
        case Coding.GZIP:
            yield
            return gzip.compress(body, GZIP_LEVELS[effort], mtime=0)
        case Coding.BROTLI:
            packed = yield from _brotli_steps(body, effort)
            return packed
        case Coding.IDENTITY:
            return body


def _brotli_steps(body: bytes, effort: Effort) -> Steps[bytes]:
    """Feed the compressor in pieces: as small as in one go, with half the memory, which is given back."""
    quality = BROTLI_QUALITIES[effort]
    if len(body) > SLOWEST_BROTLI_BYTES:
        quality = min(quality, BROTLI_QUALITY_FOR_HUGE)
    window_bits = max(16, min(22, len(body).bit_length()))  # a larger window than the body only costs memory
    compressor = brotli.Compressor(quality=quality, lgwin=window_bits)
    packed: list[bytes] = []
    for start in range(0, len(body), PIECE_BYTES):
        packed.append(compressor.process(body[start : start + PIECE_BYTES]))
        yield
    packed.append(compressor.finish())
    return b"".join(packed)


def is_form_of(packed: bytes, body: bytes, coding: Coding) -> bool:
    """Whether unpacking `packed` gives exactly `body`."""
    try:
        match coding:
            case Coding.GZIP:
                return gzip.decompress(packed) == body
            case Coding.BROTLI:
                return bool(brotli.decompress(packed) == body)
            case Coding.IDENTITY:
                return packed == body
    except (OSError, EOFError, zlib.error, brotli.error):
        return False


@lru_cache(maxsize=512)  # clients of one kind all send the same header
def preferred_codings(accept_encoding: str | None) -> tuple[Coding, ...]:
    """Return the codings that an `Accept-Encoding` header allows, best first (RFC 9110 section 12.5.3).

    Without a header only identity. Identity is the last resort even where it is refused: a body in a coding
    that the client cannot read would help nobody.
    """
    if accept_encoding is None:
        return (Coding.IDENTITY,)
    weights = dict(_weights(accept_encoding))
    fallback = weights.get("*", 0.0)
    ranked = {coding: weights.get(coding, fallback) for coding in COMPRESSED}
    ranked[Coding.IDENTITY] = weights.get(Coding.IDENTITY, 0.0)
    order = sorted(ranked, key=lambda coding: -ranked[coding])  # stable: of equals the better ratio first
    wanted = [coding for coding in order if ranked[coding] > 0 and coding is not Coding.IDENTITY]
    if ranked[Coding.IDENTITY] > 0:
        wanted = [coding for coding in wanted if ranked[coding] >= ranked[Coding.IDENTITY]]
    return (*wanted, Coding.IDENTITY)


def _weights(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "q":
                weight = _weight(value)
        if name:
            yield name.lower().removeprefix("x-"), weight


def _weight(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0
