"""Checks of the servers that an instance leans on, for its reports."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from service_kit.buses import bus_check
from service_kit.errors import NotReady
from service_kit.event_bus import EventBus
from service_kit.health import Check
from service_kit.object_store import ObjectStore
from service_kit.settings import AmqpSettings


@runtime_checkable
class Pingable(Protocol):
    """What stands on a server of its own that can be asked whether it lives."""

    async def ping(self) -> bool:
        """Return whether the server answered; it is not asked while it is left alone after a failure."""


def neighbour_checks(
    *,
    store: ObjectStore | None = None,
    bus: EventBus | None = None,
    amqp: AmqpSettings | None = None,
    redis: object = None,
) -> Iterator[Check]:
    """Yield the checks `store`, `events` and `cache` of those that are servers; none is required.

    `redis` is whatever may stand on Redis: a cache, or rate limits.
    """
    if store is not None:
        yield store_check(store)
    if bus is not None and amqp is not None and amqp.configured:
        yield bus_check(bus)
    if isinstance(redis, Pingable):
        yield _ping_check(redis)


def store_check(store: ObjectStore) -> Check:
    """Return the check that the object store answers; a folder with few objects is looked into."""

    async def answers() -> None:
        await store.list_after("checkpoints/", limit=1)

    return Check("store", answers, required=False, is_call=True)


def _ping_check(server: Pingable) -> Check:
    async def answers() -> None:
        if not await server.ping():
            raise NotReady("the shared cache does not answer")

    return Check("cache", answers, required=False, is_call=True)
