"""The checks of the servers that an instance leans on."""

import pytest

from service_kit.errors import NotReady, StoreUnavailable
from service_kit.health import outcome_of
from service_kit.memory_cache import MemoryCache
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.neighbour_checks import neighbour_checks, store_check
from service_kit.settings import AmqpSettings
from support.memory_store import MemoryObjectStore

BROKER = AmqpSettings.model_validate({"url": "amqp://guest:guest@127.0.0.1:1/"})


class SomeServer:
    def __init__(self, *, answers: bool) -> None:
        self._answers = answers

    async def ping(self) -> bool:
        return self._answers


class LostStore(MemoryObjectStore):
    async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:  # noqa: ARG002
        raise StoreUnavailable("the object store does not answer")


def test_what_lies_in_the_process_itself_needs_no_check() -> None:
    found = neighbour_checks(bus=MemoryEventBus(), amqp=AmqpSettings(), redis=MemoryCache())
    assert list(found) == []


def test_each_server_has_its_check_and_none_is_required() -> None:
    found = list(
        neighbour_checks(
            store=MemoryObjectStore(), bus=MemoryEventBus(), amqp=BROKER, redis=SomeServer(answers=True)
        )
    )
    assert [(one.name, one.required, one.is_call) for one in found] == [
        ("store", False, True),
        ("events", False, False),
        ("cache", False, True),
    ]


@pytest.mark.parametrize("answers", [True, False])
async def test_cache_is_in_order_when_it_answers(answers: bool) -> None:
    [check] = neighbour_checks(redis=SomeServer(answers=answers))
    assert (await outcome_of(check) == "ok") is answers


async def test_store_is_in_order_when_it_answers() -> None:
    await store_check(MemoryObjectStore()).run()
    with pytest.raises(StoreUnavailable):
        await store_check(LostStore()).run()


async def test_bus_is_in_order_when_events_pass() -> None:
    bus = MemoryEventBus()
    [check] = neighbour_checks(bus=bus, amqp=BROKER)
    await check.run()
    bus.failure = "ConnectionError"
    with pytest.raises(NotReady, match="ConnectionError"):
        await check.run()
