"""What the instances tell each other by way of the shared cache."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from service_kit import ai_horde_state
from service_kit.ai_horde_state import HordeState, parse_horde_state, write_horde_state
from service_kit.cache import Cache
from stats.domain.runtime import HordeKind, RuntimeSnapshot
from stats.horde.snapshot_coding import decode_snapshot, encode_snapshot

HEADS: Final = "stats:runtime:heads"
NO_PROBE: Final = "stats:runtime:no-probe"


@dataclass(frozen=True, slots=True)
class Look:
    """The little that tells whether it is worth to read more.

    `heads` are the times of the snapshots; `no_probe` is true while it is vain to ask the AI-Horde, which
    failed a moment ago.
    """

    heads: Mapping[HordeKind, float]
    state: HordeState | None
    no_probe: bool


class SharedFigures:
    """The snapshots in the shared cache, each with all that belongs to it under one key."""

    def __init__(self, cache: Cache, *, life_seconds: float) -> None:
        self._cache = cache
        self._life_seconds = life_seconds
        self._bodies: dict[HordeKind, tuple[float, bytes]] = {}  # encoded before; the time is the name

    async def look(self) -> Look:
        """Read the little."""
        heads, state, no_probe = await self._cache.get_many([HEADS, ai_horde_state.KEY, NO_PROBE])
        return Look(_times(heads), parse_horde_state(state) if state else None, no_probe is not None)

    async def load(self, kinds: Iterable[HordeKind]) -> list[RuntimeSnapshot]:
        """Return the snapshots of the kinds that are there."""
        wanted = list(kinds)
        bodies = await self._cache.get_many([_key(kind) for kind in wanted])
        return await asyncio.to_thread(_decode, dict(zip(wanted, bodies, strict=True)))

    async def publish(self, snapshots: Iterable[RuntimeSnapshot]) -> None:
        """Put all snapshots there in one go, those without anything left out."""
        given = [snapshot for snapshot in snapshots if not snapshot.is_empty]
        await asyncio.to_thread(self._encode, given)
        heads = {snapshot.kind.value: snapshot.published_at for snapshot in given}
        bodies = {_key(snapshot.kind): self._bodies[snapshot.kind][1] for snapshot in given}
        await self._cache.set_many({**bodies, HEADS: orjson.dumps(heads)}, ttl_seconds=self._life_seconds)

    async def tell_state(self, state: HordeState) -> None:
        """Tell all services how the AI-Horde is doing."""
        await write_horde_state(self._cache, state)

    async def forbid_probes(self, seconds: float) -> None:
        """Tell the other instances that asking the AI-Horde is of no use for so long."""
        await self._cache.set_many({NO_PROBE: b"1"}, ttl_seconds=seconds)

    def _encode(self, snapshots: Iterable[RuntimeSnapshot]) -> None:
        for snapshot in snapshots:
            if self._bodies.get(snapshot.kind, (None,))[0] != snapshot.published_at:
                self._bodies[snapshot.kind] = snapshot.published_at, encode_snapshot(snapshot)


def _key(kind: HordeKind) -> str:
    return f"stats:runtime:{kind}"


def _decode(bodies: Mapping[HordeKind, bytes | None]) -> list[RuntimeSnapshot]:
    decoded = ((kind, decode_snapshot(body)) for kind, body in bodies.items() if body is not None)
    return [snapshot for kind, snapshot in decoded if snapshot is not None and snapshot.kind is kind]


def _times(body: bytes | None) -> dict[HordeKind, float]:
    value = _parse(body)
    if not isinstance(value, dict):
        return {}
    times = {kind: _number(value.get(kind.value)) for kind in HordeKind}
    return {kind: time for kind, time in times.items() if time is not None}


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if isinstance(value, int | float) and is_number else None


def _parse(body: bytes | None) -> Any:  # noqa: ANN401 - JSON
    try:
        return None if body is None else orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
