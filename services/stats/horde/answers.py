"""Reads the answers of the AI-Horde."""

import json
from typing import Any

import orjson

from horde_model_reference.integrations.horde_figures import (
    Reading,
    parse_status,
    parse_usage,
    parse_workers,
)
from service_kit.errors import ServiceError
from stats.domain.runtime import Source

READERS = {Source.STATUS: parse_status, Source.USAGE: parse_usage, Source.WORKERS: parse_workers}


class HordeCallFailed(ServiceError):
    """The AI-Horde did not answer, or not usably.

    `may_pass` tells whether the same call may succeed soon; `retry_after_seconds` is for how long the
    AI-Horde asked to be left alone.
    """

    status = 502

    def __init__(self, text: str, *, may_pass: bool = True, retry_after_seconds: float = 0.0) -> None:
        super().__init__(f"the AI-Horde {text}")
        self.may_pass = may_pass
        self.retry_after_seconds = retry_after_seconds


def read_answer(source: Source, body: bytes) -> Reading[Any] | None:
    """Return the figures; None for a usage without any name: it is not counted yet, or not just now.

    Raises `HordeCallFailed` for what is no such answer, and for one without a single entry in order.
    """
    value = _parse(body)
    if source is Source.USAGE and value == {}:
        return None
    reading = READERS[source](value)
    if reading is None or (reading.skipped and not reading.value):
        raise HordeCallFailed(f"sends what is no {source}")
    return None if source is Source.USAGE and not reading.value else reading


def _parse(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return _parse_leniently(body)


def _parse_leniently(body: bytes) -> object:
    """Parse what servers in Python may send as well: NaN, infinity, and halves of characters."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):
        raise HordeCallFailed("sends what is no JSON") from None
    return value
