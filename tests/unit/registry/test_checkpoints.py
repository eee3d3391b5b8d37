"""Checkpoints: right ones shorten a start, wrong ones cost nothing but time."""

import pytest

from registry.checkpoints import INTERVAL, KEPT, Checkpoint, Checkpoints, checkpoint_key, make_checkpoint
from registry.journal import Journal
from registry.state import State
from support.faulty_store import FaultyStore
from support.journals import a_draft, a_journal, always
from support.memory_store import MemoryObjectStore


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


def damage_truncated(body: bytes) -> bytes:
    return body[: len(body) // 2]


def damage_hash(body: bytes) -> bytes:
    state = Checkpoint.model_validate_json(body).state.model_copy(update={"head_hash": "f" * 64})
    return make_checkpoint(state).model_dump_json().encode()


def damage_version(body: bytes) -> bytes:
    return body.replace(b'"state_version":1', b'"state_version":99')


def damage_beyond_the_head(body: bytes) -> bytes:
    state = Checkpoint.model_validate_json(body).state.model_copy(update={"sequence": 10_000})
    return make_checkpoint(state).model_dump_json().encode()


def damage_content(body: bytes) -> bytes:
    return body.replace(b'"seeded_from":"a test"', b'"seeded_from":"a tesT"')


@pytest.mark.parametrize(
    "damage", [damage_truncated, damage_hash, damage_version, damage_beyond_the_head, damage_content]
)
async def test_unusable_checkpoint_is_passed_over_for_an_older_one(damage: object) -> None:
    assert callable(damage)
    store = MemoryObjectStore()
    checkpoints, _ = await a_long_journal(store, 2 * INTERVAL)
    key = checkpoint_key(2 * INTERVAL)
    store.objects[key] = damage(store.objects[key])
    assert (await checkpoints.newest()).sequence == INTERVAL


async def test_store_that_refuses_a_checkpoint_does_not_disturb() -> None:
    store = MemoryObjectStore()
    checkpoints, state = await a_long_journal(store, INTERVAL - 1)
    down = FaultyStore(store)
    down.down = True
    await Checkpoints(down, Journal(down)).keep(state.model_copy(update={"sequence": INTERVAL}))
    assert await checkpoints.keys() == []


async def test_checkpoint_under_the_key_of_another_is_not_usable() -> None:
    store = MemoryObjectStore()
    checkpoints, _ = await a_long_journal(store, INTERVAL)
    store.objects[checkpoint_key(2 * INTERVAL)] = store.objects[checkpoint_key(INTERVAL)]
    assert await checkpoints.usable(checkpoint_key(INTERVAL)) is not None
    assert await checkpoints.usable(checkpoint_key(2 * INTERVAL)) is None
