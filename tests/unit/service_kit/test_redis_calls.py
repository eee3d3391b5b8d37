import pytest
from redis.exceptions import ConnectionError as RedisGone

from service_kit.redis_calls import RedisCalls
from service_kit.settings import RedisSettings
from support.a_clock import AClock

LOST = [
    RedisGone("gone"),
    OSError("gone"),
    TimeoutError(),
    RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed"),
]


class ARedis:
    """Fails as long as it has a failure."""

    def __init__(self, failure: Exception | None) -> None:
        self.failure = failure
        self.asked = 0

    async def ask(self) -> str:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return "answer"


@pytest.mark.parametrize("failure", LOST, ids=lambda failure: type(failure).__name__)
async def test_connection_that_is_lost_in_any_way_is_no_answer_and_leaves_redis_alone_for_a_while(
    failure: Exception,
) -> None:
    clock, redis, settings = AClock(), ARedis(failure), RedisSettings()
    calls = RedisCalls("a test", settings, clock=clock)
    assert [await calls.run("get", redis.ask) for _ in range(3)] == [None, None, None]
    assert redis.asked == 1
    redis.failure = None
    clock.advance(settings.pause_seconds)
    assert [await calls.run("get", redis.ask) for _ in range(2)] == ["answer", "answer"]


async def test_mistake_of_the_program_is_not_hidden() -> None:
    calls = RedisCalls("a test", RedisSettings())
    with pytest.raises(KeyError):
        await calls.run("get", ARedis(KeyError("a bug")).ask)
