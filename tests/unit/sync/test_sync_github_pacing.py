"""When GitHub may be asked again."""

import asyncio

import pytest

from support.github_world import SleepingClock
from sync_worker.github.errors import RateLimited
from sync_worker.github.pacing import Pacer


def limit(clock: SleepingClock, seconds: float, *, is_secondary: bool) -> RateLimited:
    return RateLimited("GitHub x", until=clock.wall() + seconds, is_secondary=is_secondary)


async def test_calls_wait_for_nothing_without_a_limit() -> None:
    clock = SleepingClock()
    pacer = Pacer(clock.timing())
    for is_write in (True, False, True, True):
        await pacer.turn(is_write=is_write)
    assert clock.sleeps == []


async def test_shorter_limit_does_not_end_a_longer_one() -> None:
    clock = SleepingClock()
    pacer = Pacer(clock.timing())
    pacer.note_limit(limit(clock, 100, is_secondary=False))
    pacer.note_limit(limit(clock, 5, is_secondary=False))
    await pacer.turn(is_write=False)
    assert sum(clock.sleeps) == pytest.approx(100)


async def test_limit_that_is_too_far_away_is_raised_until_it_is_near() -> None:
    clock = SleepingClock()
    pacer = Pacer(clock.timing(limit_seconds=60))
    far = limit(clock, 100, is_secondary=False)
    pacer.note_limit(far)
    with pytest.raises(RateLimited) as caught:
        await pacer.turn(is_write=False)
    assert caught.value is far
    clock.passed += 50
    await pacer.turn(is_write=False)
    assert sum(clock.sleeps) == pytest.approx(50)


async def test_writes_are_slow_after_a_secondary_limit_and_quick_again_later() -> None:
    clock = SleepingClock()
    pacer = Pacer(clock.timing(slow_seconds=100))
    pacer.note_limit(limit(clock, 10, is_secondary=True))
    await pacer.turn(is_write=False)
    clock.sleeps.clear()
    await asyncio.gather(*(pacer.turn(is_write=True) for _ in range(3)))
    await pacer.turn(is_write=False)
    assert clock.sleeps == pytest.approx([1, 1])
    clock.passed += 100
    clock.sleeps.clear()
    await pacer.turn(is_write=True)
    await pacer.turn(is_write=True)
    assert clock.sleeps == []
