"""Proves that a store honours the condition of `create`, before a journal lives in it."""

import asyncio
import secrets
from typing import Final

from service_kit.errors import ObjectExists, ServiceError, StoreUnavailable, StoreUnsafe
from service_kit.object_store import ObjectStore

WRITERS: Final = 3  # SeaweedFS lets the second loser of a race wait for a second, and the third for two
ROUNDS: Final = 3


async def probe(store: ObjectStore, *, writers: int = WRITERS, rounds: int = ROUNDS) -> None:
    """Let writers race for a key, several times at once, and clean up.

    Raises `StoreUnsafe` when not exactly one wins, or when its body was replaced, and
    `StoreUnavailable` when the store does not answer. Servers that ignore `If-None-Match: *` exist, and
    some honour it only while nobody else writes (infrastructure.md section 3.2).
    """
    every = (_round(store, writers) for _ in range(rounds))
    outcomes = await asyncio.gather(*every, return_exceptions=True)
    failures = [outcome for outcome in outcomes if outcome is not None]
    for failure in sorted(failures, key=lambda one: not isinstance(one, StoreUnsafe)):
        raise failure


async def _round(store: ObjectStore, writers: int) -> None:
    key = f"probes/{secrets.token_hex(16)}"
    try:
        await _race(store, key, [f"{key} writer {number}".encode() for number in range(writers)])
    finally:
        await _remove(store, key)


async def _race(store: ObjectStore, key: str, bodies: list[bytes]) -> None:
    outcomes = await asyncio.gather(*(_try(store, key, body) for body in bodies))
    winners = [body for body, outcome in zip(bodies, outcomes, strict=True) if outcome is None]
    if len(winners) > 1:
        raise StoreUnsafe(
            f"the object store ignores the condition of a conditional create: {len(winners)} of {len(bodies)}"
            " writers of the same new key were told that they won; no journal may live in it"
        )
    _raise_unavailable(outcomes)
    if await store.get(key) not in winners:
        raise StoreUnsafe("the object store does not hold what the winner of a conditional create wrote")
    late = await _try(store, key, b"late writer")
    _raise_unavailable([late])
    if late is None or await store.get(key) not in winners:
        raise StoreUnsafe("the object store lets a conditional create replace an object")


def _raise_unavailable(outcomes: list[ServiceError | None]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, StoreUnavailable):
            raise outcome


async def _try(store: ObjectStore, key: str, body: bytes) -> ServiceError | None:
    try:
        await store.create(key, body)
    except (ObjectExists, StoreUnavailable) as error:
        return error
    return None


async def _remove(store: ObjectStore, key: str) -> None:
    try:
        await store.delete(key)
    except StoreUnavailable:
        return  # the race has failed for the same reason, or a tiny object stays behind
