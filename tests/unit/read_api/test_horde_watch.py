import pytest

from read_api.holder import PageHolder
from read_api.horde_watch import HordeWatch, heartbeat_of
from service_kit.ai_horde_state import KEY, HordeState, write_horde_state
from service_kit.memory_cache import MemoryCache
from support.a_clock import AClock

NOTHING_BAD = {"degraded": False, "consecutive_failures": 0, "seconds_until_retry": None}
DEGRADED = HordeState(degraded=True, consecutive_failures=5, retry_at=1120.04)


@pytest.mark.parametrize(
    ("state", "now", "told"),
    [
        (HordeState(), 0.0, NOTHING_BAD),
        (HordeState(consecutive_failures=2), 0.0, {**NOTHING_BAD, "consecutive_failures": 2}),
        (HordeState(consecutive_failures=2, retry_at=9.0), 0.0, {**NOTHING_BAD, "consecutive_failures": 2}),
        (DEGRADED, 1000.0, {"degraded": True, "consecutive_failures": 5, "seconds_until_retry": 120.0}),
        (DEGRADED, 2000.0, {"degraded": True, "consecutive_failures": 5, "seconds_until_retry": None}),
    ],
)
def test_heartbeat_tells_the_state_at_its_moment(
    state: HordeState, now: float, told: dict[str, object]
) -> None:
    assert heartbeat_of(state, now) == {"status": "ok", "ai_horde": told}


async def test_state_is_what_the_cache_holds_now() -> None:
    holder, clock = PageHolder(), AClock()
    cache = MemoryCache(clock=clock)
    watch = HordeWatch(holder)
    await watch.look()
    assert watch.state == HordeState()
    holder.use_cache(cache)
    await write_horde_state(cache, DEGRADED)
    await watch.look()
    assert watch.state == DEGRADED
    clock.advance(3600)  # whoever told it is gone for long
    await watch.look()
    assert watch.state == HordeState()


async def test_bytes_that_are_no_state_say_nothing_bad() -> None:
    holder, cache = PageHolder(), MemoryCache()
    holder.use_cache(cache)
    watch = HordeWatch(holder)
    await cache.set_many({KEY: b'{"degraded":"very"}'}, ttl_seconds=60)
    await watch.look()
    assert watch.state == HordeState()
