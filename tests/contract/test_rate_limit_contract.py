"""What every rate limiter does, over both adapters."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable

import pytest

from service_kit.access_settings import RateLimitSettings
from service_kit.errors import TooManyRequests
from service_kit.rate_limit import Limit, LocalRateLimiter, RateLimiter
from service_kit.redis_rate_limiter import RedisRateLimiter, open_redis_rate_limiter
from service_kit.settings import RedisSettings
from service_kit.stores import open_rate_limiter
from support.servers import RedisServer

Opener = Callable[[pytest.FixtureRequest], contextlib.AbstractAsyncContextManager[RateLimiter]]


@contextlib.asynccontextmanager
async def open_local(_: pytest.FixtureRequest) -> AsyncIterator[RateLimiter]:
    yield LocalRateLimiter()


class NoLimiter:
    """Stands where the local one would: whoever asks it has not asked Redis."""

    async def check(self, limit: Limit, subject: str, cost: int = 1) -> None:
        raise AssertionError(f"Redis was not asked about {limit.name}, {subject}, {cost}")


@contextlib.asynccontextmanager
async def open_redis(request: pytest.FixtureRequest) -> AsyncIterator[RateLimiter]:
    settings = request.getfixturevalue("redis_server").settings()
    async with open_redis_rate_limiter(settings, NoLimiter()) as limiter:
        yield limiter


ADAPTERS: dict[str, Opener] = {"local": open_local, "redis": open_redis}


@pytest.fixture(params=ADAPTERS)
async def limiter(request: pytest.FixtureRequest) -> AsyncIterator[RateLimiter]:
    async with ADAPTERS[request.param](request) as limiter:
        yield limiter


def a_limit(*, per_minute: int = 6, burst: int = 3) -> Limit:
    return Limit(f"test-{secrets.token_hex(4)}", per_minute, burst)


async def is_allowed(limiter: RateLimiter, limit: Limit, subject: str = "a", cost: int = 1) -> bool:
    try:
        await limiter.check(limit, subject, cost)
    except TooManyRequests:
        return False
    return True


async def test_settings_choose_the_adapter(redis_server: RedisServer) -> None:
    async with open_rate_limiter(RateLimitSettings(), RedisSettings(use_redis=False)) as limiter:
        assert isinstance(limiter, LocalRateLimiter)
    async with open_rate_limiter(RateLimitSettings(), redis_server.settings()) as limiter:
        assert isinstance(limiter, RedisRateLimiter)


async def test_burst_is_allowed_and_then_no_more(limiter: RateLimiter) -> None:
    limit = a_limit()
    assert [await is_allowed(limiter, limit) for _ in range(5)] == [True, True, True, False, False]


async def test_refusal_says_when_to_come_back(limiter: RateLimiter) -> None:
    limit = a_limit(per_minute=6, burst=1)
    await limiter.check(limit, "a")
    with pytest.raises(TooManyRequests, match=r"^too many requests: try again in ([4-9]|10) s$") as caught:
        await limiter.check(limit, "a")
    assert 4 <= int(caught.value.headers["Retry-After"]) <= 10  # at a stall of the machine fewer than 10


async def test_what_was_used_comes_back_with_time(limiter: RateLimiter) -> None:
    limit = a_limit(per_minute=60, burst=2)
    begun = time.monotonic()
    outcomes = [await is_allowed(limiter, limit) for _ in range(4)]
    await asyncio.sleep(1.05)
    outcomes += [await is_allowed(limiter, limit) for _ in range(2)]
    assert limit.burst + 1 <= outcomes.count(True) <= limit.burst + time.monotonic() - begun


async def test_subject_that_does_nothing_saves_no_more_than_a_burst(limiter: RateLimiter) -> None:
    limit = a_limit(per_minute=6000, burst=2)
    await limiter.check(limit, "a", 2)
    await asyncio.sleep(0.1)
    assert not await is_allowed(limiter, limit, cost=3)
    assert await is_allowed(limiter, limit, cost=2)


async def test_refused_request_costs_nothing(limiter: RateLimiter) -> None:
    limit = a_limit(burst=3)
    await limiter.check(limit, "a", 2)
    assert [await is_allowed(limiter, limit, cost=2) for _ in range(10)] == [False] * 10
    assert await is_allowed(limiter, limit)


async def test_cost_of_nothing_only_looks(limiter: RateLimiter) -> None:
    limit = a_limit(burst=1)
    assert [await is_allowed(limiter, limit, cost=0) for _ in range(3)] == [True] * 3
    await limiter.check(limit, "a")
    assert not await is_allowed(limiter, limit, cost=0)


async def test_subjects_do_not_disturb_each_other(limiter: RateLimiter) -> None:
    limit = a_limit(burst=1)
    assert [await is_allowed(limiter, limit, subject) for subject in ("a", "b", "a", "b")] == [
        True,
        True,
        False,
        False,
    ]


async def test_limits_do_not_disturb_each_other(limiter: RateLimiter) -> None:
    one, other = a_limit(burst=1), a_limit(burst=1)
    assert [await is_allowed(limiter, limit) for limit in (one, other, one)] == [True, True, False]


async def test_rate_of_nothing_is_no_limit(limiter: RateLimiter) -> None:
    limit = a_limit(per_minute=0, burst=1)
    assert all([await is_allowed(limiter, limit) for _ in range(100)])


async def test_more_than_a_burst_is_never_allowed(limiter: RateLimiter) -> None:
    assert not await is_allowed(limiter, a_limit(burst=3), cost=4)


@pytest.mark.parametrize("subject", ["", "x" * 100_000, "line\r\nend", "\u00e4\U0001f600", "\udcff", "a b"])
async def test_any_text_is_a_subject(limiter: RateLimiter, subject: str) -> None:
    limit = a_limit(burst=1)
    assert [await is_allowed(limiter, limit, subject) for _ in range(2)] == [True, False]


async def test_callers_at_the_same_time_get_exactly_the_burst(limiter: RateLimiter) -> None:
    limit = a_limit(per_minute=1, burst=20)
    outcomes = await asyncio.gather(*(is_allowed(limiter, limit) for _ in range(100)))
    assert outcomes.count(True) == 20
