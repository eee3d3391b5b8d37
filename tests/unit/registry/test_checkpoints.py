"""Checkpoints: right ones shorten a start, wrong ones cost nothing but time."""

import asyncio
import gc
import hashlib
import logging
import time
import zlib
from collections.abc import Awaitable, Callable

import pytest

from registry.checkpoints import (
    INTERVAL,
    KEPT,
    STATE_VERSION,
    CheckpointHeader,
    Checkpoints,
    CheckpointUnusable,
    checkpoint_key,
    parse_checkpoint,
    render_checkpoint,
)
from registry.entries import entry_key
from registry.journal import Journal
from registry.state import State
from support.faulty_store import FaultyStore
from support.journals import a_draft, a_journal, always
from support.memory_store import MemoryObjectStore
from support.states import a_state

STANDSTILL_SECONDS = 0.1
"""Ten times what is measured on an idle machine; a step that is not one takes half a second."""


async def a_long_journal(store: MemoryObjectStore, length: int) -> tuple[Checkpoints, State]:
    journal, _, state = await a_journal(store, revisions=1)
    checkpoints = Checkpoints(store, journal)
    while state.sequence < length:
        state = await journal.append(state, always(a_draft()))
        await checkpoints.keep(state)
    return checkpoints, state


async def test_without_checkpoints_the_start_is_the_empty_state() -> None:
    store = MemoryObjectStore()
    assert await Checkpoints(store, Journal(store)).newest() == State()


async def test_checkpoint_plus_later_entries_is_the_full_fold() -> None:
    store = MemoryObjectStore()
    checkpoints, state = await a_long_journal(store, INTERVAL + 3)
    newest = await checkpoints.newest()
    assert newest.sequence == INTERVAL
    assert await Journal(store).catch_up(newest) == await Journal(store).catch_up(State()) == state


async def test_old_checkpoints_are_removed() -> None:
    store = MemoryObjectStore()
    checkpoints, _ = await a_long_journal(store, INTERVAL * (KEPT + 2))
    keys = await checkpoints.keys()
    assert len(keys) == KEPT
    assert keys[-1] == checkpoint_key(INTERVAL * (KEPT + 2))


async def test_checkpoint_is_a_header_in_json_and_what_it_names_the_hash_of() -> None:
    raw = await render_checkpoint(a_state(300, sequence=INTERVAL))
    line, _, body = raw.partition(b"\n")
    header = CheckpointHeader.model_validate_json(line)
    assert (header.state_version, header.sequence) == (STATE_VERSION, INTERVAL)
    assert header.digest == hashlib.sha256(body).hexdigest()
    assert zlib.decompress(body).endswith(b"}}\n")


async def test_large_state_survives_a_checkpoint() -> None:
    state = a_state(2000, sequence=INTERVAL, payload_bytes=2000)
    assert await parse_checkpoint(await render_checkpoint(state)) == state


def damage_truncated(body: bytes) -> bytes:
    return body[: len(body) // 2]


def damage_everything(_: bytes) -> bytes:
    return b"\x00\xff"


def damage_emptied(_: bytes) -> bytes:
    return b""


def damage_bit(body: bytes) -> bytes:
    return body[:-20] + bytes([body[-20] ^ 1]) + body[-19:]


def damage_hash(body: bytes) -> bytes:
    return rebuilt(body, lambda text: text.replace(b'"head_hash":"', b'"head_hash":"f'))


def damage_beyond_the_head(body: bytes) -> bytes:
    old, new = b'"sequence":512', b'"sequence":10000'
    return rebuilt(body, lambda text: text.replace(old, new)).replace(old, new, 1)


def damage_sequence_of_the_header(body: bytes) -> bytes:
    return body.replace(b'"sequence":512', b'"sequence":511', 1)


def damage_unknown_line(body: bytes) -> bytes:
    return rebuilt(body, lambda text: text + b'{"unknown":{}}\n')


def damage_missing_line_end(body: bytes) -> bytes:
    return rebuilt(body, lambda text: text[:-1])


def damage_missing_checksum(body: bytes) -> bytes:
    return with_header(body, body.partition(b"\n")[2][:-4])


def damage_not_packed(body: bytes) -> bytes:
    return with_header(body, zlib.decompress(body.partition(b"\n")[2]))


def damage_version(body: bytes) -> bytes:
    return body.replace(b'"state_version":%d' % STATE_VERSION, b'"state_version":99')


def damage_old_format(_: bytes) -> bytes:
    return b'{"state_version":1,"digest":"abc","state":{"sequence":512,"head_hash":"def"}}'


def rebuilt(raw: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return with_header(raw, zlib.compress(change(zlib.decompress(raw.partition(b"\n")[2]))))


def with_header(raw: bytes, body: bytes) -> bytes:
    header = CheckpointHeader.model_validate_json(raw.partition(b"\n")[0])
    fitting = header.model_copy(update={"digest": hashlib.sha256(body).hexdigest()})
    return fitting.model_dump_json().encode() + b"\n" + body


@pytest.mark.parametrize(
    "damage",
    [
        damage_truncated,
        damage_everything,
        damage_emptied,
        damage_bit,
        damage_hash,
        damage_beyond_the_head,
        damage_sequence_of_the_header,
        damage_unknown_line,
        damage_missing_line_end,
        damage_missing_checksum,
        damage_not_packed,
        damage_version,
        damage_old_format,
    ],
)
async def test_unusable_checkpoint_is_passed_over_for_an_older_one(
    damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryObjectStore()
    checkpoints, _ = await a_long_journal(store, 2 * INTERVAL)
    key = checkpoint_key(2 * INTERVAL)
    store.objects[key] = damage(store.objects[key])
    with caplog.at_level(logging.WARNING):
        assert (await checkpoints.newest()).sequence == INTERVAL
    assert f"{key} is passed over" in caplog.text


async def test_checkpoint_of_the_first_version_is_passed_over_by_its_version(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = MemoryObjectStore()
    store.objects[checkpoint_key(INTERVAL)] = damage_old_format(b"")
    assert await Checkpoints(store, Journal(store)).newest() == State()
    assert f"it is of state version 1, not {STATE_VERSION}" in caplog.text


async def test_store_that_refuses_a_checkpoint_does_not_disturb() -> None:
    store = MemoryObjectStore()
    checkpoints, state = await a_long_journal(store, INTERVAL - 1)
    down = FaultyStore(store)
    down.down = True
    await Checkpoints(down, Journal(down)).keep(state.model_copy(update={"sequence": INTERVAL}))
    assert await checkpoints.keys() == []


async def test_checkpoint_that_another_instance_kept_is_left_alone() -> None:
    store = MemoryObjectStore()
    _, state = await a_long_journal(store, INTERVAL)
    counting = FaultyStore(store)
    await Checkpoints(counting, Journal(counting)).keep(state)
    assert counting.operations == 2  # the listing, to its end


async def test_checkpoint_that_another_instance_is_quicker_to_keep_is_left_alone() -> None:
    class Quicker(MemoryObjectStore):
        async def create(self, key: str, body: bytes) -> None:
            await super().create(key, b"theirs")
            await super().create(key, body)

    store = Quicker()
    await Checkpoints(store, Journal(store)).keep(a_state(1, sequence=INTERVAL))
    assert store.objects == {checkpoint_key(INTERVAL): b"theirs"}


async def test_checkpoint_under_the_key_of_another_is_not_usable() -> None:
    store = MemoryObjectStore()
    checkpoints, _ = await a_long_journal(store, INTERVAL)
    store.objects[checkpoint_key(2 * INTERVAL)] = store.objects[checkpoint_key(INTERVAL)]
    with pytest.raises(CheckpointUnusable, match=f"it is the checkpoint of sequence {INTERVAL}"):
        await checkpoints.read(checkpoint_key(2 * INTERVAL))
    assert (await checkpoints.newest()).sequence == INTERVAL


async def test_garbage_is_collected_again_after_the_start() -> None:
    store = MemoryObjectStore()
    checkpoints, _ = await a_long_journal(store, INTERVAL)
    try:
        await checkpoints.newest()
        async with asyncio.timeout(20):  # a thread that another test left behind may be inside
            while not gc.isenabled():  # noqa: ASYNC110 - the collector tells nobody
                await asyncio.sleep(0.01)
        assert gc.get_freeze_count() > 0
        gc.disable()
        await checkpoints.newest()
        assert not gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()


async def longest_standstill(work: Awaitable[object]) -> float:
    """Return for how long the event loop did not get a turn while something worked."""
    gaps = [0.0]

    async def tick() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            gaps.append(now - last)
            last = now

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    gc.disable()  # a collection over what other tests left is no work of ours
    try:
        await work
    finally:
        gc.enable()
        ticking.cancel()
    return max(gaps)


async def test_event_loop_runs_while_a_large_state_is_kept_and_loaded() -> None:
    state = a_state(10_000, sequence=INTERVAL, payload_bytes=2000)
    raw = await render_checkpoint(state)
    # the best of three: a busy machine stops everybody now and then
    assert min([await longest_standstill(render_checkpoint(state)) for _ in range(3)]) < STANDSTILL_SECONDS
    assert min([await longest_standstill(parse_checkpoint(raw)) for _ in range(3)]) < STANDSTILL_SECONDS


async def test_checkpoint_whose_journal_entry_is_missing_is_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = MemoryObjectStore()
    checkpoints, _ = await a_long_journal(store, INTERVAL)
    del store.objects[entry_key(INTERVAL)]
    assert await checkpoints.newest() == State()
    assert "its journal entry cannot be read (ObjectMissing)" in caplog.text
