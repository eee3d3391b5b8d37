"""Snapshots come back from the shared cache as they were put there, or not at all."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.integrations.horde_figures import ModelStatus, Usage, Worker
from service_kit.memory_cache import MemoryCache
from stats.domain.runtime import HordeKind, Received, RuntimeSnapshot, Source
from stats.horde.shared_figures import HEADS, SharedFigures
from stats.horde.snapshot_coding import decode_snapshot, encode_snapshot
from support.scripted_horde import figures

NAMES = st.text(st.characters(codec="utf-8"), max_size=10)
NUMBERS = st.integers(0, 2**53) | st.floats(0, 2**53)
COUNTS = st.integers(0, 2**53)
TIMES = st.floats(0, 4e9)


def received(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.builds(Received, values, TIMES, st.booleans(), COUNTS)


STATUSES = st.lists(st.builds(ModelStatus, NAMES, COUNTS, NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=3)
USAGES = st.dictionaries(NAMES, st.builds(Usage, COUNTS, COUNTS, COUNTS), max_size=3)
FLAG = st.booleans()
MODELS = st.lists(NAMES, max_size=3).map(tuple)
WORKERS = st.lists(st.builds(Worker, NAMES, NAMES, NAMES, FLAG, FLAG, FLAG, NUMBERS, MODELS), max_size=3)
SNAPSHOTS = st.builds(
    RuntimeSnapshot,
    st.sampled_from(list(HordeKind)),
    TIMES,
    received(STATUSES.map(tuple)),
    received(USAGES),
    received(WORKERS.map(tuple)),
)


@given(SNAPSHOTS)
def test_snapshot_comes_back_as_it_was(snapshot: RuntimeSnapshot) -> None:
    body = encode_snapshot(snapshot)
    decoded = decode_snapshot(body)
    assert decoded == snapshot
    assert encode_snapshot(decoded) == body


def a_snapshot(kind: HordeKind = HordeKind.IMAGE) -> RuntimeSnapshot:
    every = (Received(figures(source), 1.0) for source in Source)
    return RuntimeSnapshot(kind, 7.5, *every)


def changed(**members: object) -> bytes:
    return json.dumps({**json.loads(encode_snapshot(a_snapshot())), **members}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        changed(layout=[]),
        changed(kind="audio"),
        changed(status=5),
        changed(status={"value": [[1, 2]], "fetched_at": 1, "stale": False, "skipped": 0}),
        changed(published_at=None),
        encode_snapshot(a_snapshot())[:-1],
    ],
)
def test_what_is_no_snapshot_of_this_program_is_none(body: bytes) -> None:
    assert decode_snapshot(body) is None


@given(st.binary(max_size=60))
def test_any_bytes_are_no_snapshot(body: bytes) -> None:
    assert decode_snapshot(body) is None


async def test_published_snapshots_are_found_by_another_instance() -> None:
    cache = MemoryCache()
    snapshots = [a_snapshot(kind) for kind in HordeKind]
    await SharedFigures(cache, life_seconds=60).publish(snapshots)
    other = SharedFigures(cache, life_seconds=60)
    look = await other.look()
    assert look.heads == dict.fromkeys(HordeKind, 7.5)
    assert await other.load(look.heads) == snapshots


async def test_kind_without_anything_is_not_published() -> None:
    cache = MemoryCache()
    shared = SharedFigures(cache, life_seconds=60)
    await shared.publish([a_snapshot(), RuntimeSnapshot(HordeKind.TEXT)])
    assert (await shared.look()).heads == {HordeKind.IMAGE: 7.5}
    assert await shared.load(HordeKind) == [a_snapshot()]


@pytest.mark.parametrize("heads", [b"", b"[]", b'{"image": "x", "text": true}', b'{"image": NaN}', b"\xff"])
async def test_damaged_heads_are_none(heads: bytes) -> None:
    cache = MemoryCache()
    await cache.set_many({HEADS: heads}, ttl_seconds=60)
    assert (await SharedFigures(cache, life_seconds=60).look()).heads == {}


async def test_snapshot_under_the_key_of_the_other_kind_is_none() -> None:
    cache = MemoryCache()
    await cache.set_many({"stats:runtime:text": encode_snapshot(a_snapshot())}, ttl_seconds=60)
    assert await SharedFigures(cache, life_seconds=60).load([HordeKind.TEXT]) == []
