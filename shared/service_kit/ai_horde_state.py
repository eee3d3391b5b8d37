"""How the AI-Horde is doing, as whoever asks it tells all services (aihorde-api.md section 3)."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from service_kit.cache import Cache

KEY: Final = "ai-horde:state"
LIFE_SECONDS: Final = 600.0  # written again after every attempt, which are at most some minutes apart


@dataclass(frozen=True, slots=True)
class HordeState:
    """`degraded` while it is left alone after failures; `retry_at` (Unix seconds) is when that ends.

    The default is the state of an AI-Horde about which nothing bad is known.
    """

    degraded: bool = False
    consecutive_failures: int = 0
    retry_at: float | None = None

    def seconds_until_retry(self, now: float) -> float | None:
        """Return how long it is still left alone, at `now` in Unix seconds; None when it is not."""
        return None if self.retry_at is None else max(self.retry_at - now, 0.0)


async def read_horde_state(cache: Cache) -> HordeState | None:
    """Return what was last told; None when nobody told anything lately, or the cache is away."""
    (held,) = await cache.get_many([KEY])
    return None if held is None else parse_horde_state(held)


async def write_horde_state(cache: Cache, state: HordeState) -> None:
    """Tell all services."""
    await cache.set_many({KEY: orjson.dumps(asdict(state))}, ttl_seconds=LIFE_SECONDS)


def parse_horde_state(body: bytes) -> HordeState | None:
    """Return the state; None for bytes that are none."""
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    match value:
        case {"degraded": bool(degraded), "consecutive_failures": int(failures), "retry_at": retry_at}:
            return HordeState(degraded, max(int(failures), 0), _moment(retry_at))
        case _:
            return None


def _moment(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
