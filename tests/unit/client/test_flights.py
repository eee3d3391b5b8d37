"""One load of a thing at a time."""

import asyncio

import pytest

from horde_model_reference.replica.flights import Flights


async def test_who_comes_during_a_load_joins_it() -> None:
    flights, begun, go_on = Flights(), [], asyncio.Event()

    async def load() -> None:
        begun.append(1)
        await go_on.wait()

    first, second = flights.join("clip", load), flights.join("clip", load)
    assert first is second
    go_on.set()
    await first
    await asyncio.sleep(0)
    assert flights.join("clip", load) is not first
    await flights.join("clip", load)
    assert len(begun) == 2


async def test_whoever_wants_a_load_of_their_own_shares_the_next_one() -> None:
    flights, order, go_on = Flights(), list[str](), asyncio.Event()

    async def load() -> None:
        order.append("begun")
        await go_on.wait()
        order.append("done")

    first = flights.join("clip", load)
    await asyncio.sleep(0)
    second, third = flights.anew("clip", load), flights.anew("clip", load)
    assert second is third
    assert second is not first
    go_on.set()
    await second
    assert order == ["begun", "done", "begun", "done"]


async def test_a_load_serves_all_its_keys() -> None:
    flights, go_on = Flights(), asyncio.Event()

    async def load() -> None:
        await go_on.wait()

    both = flights.begin(("clip", "blip"), load)
    assert flights.join("blip", load) is both
    assert flights.is_under_way("clip")
    go_on.set()
    await both
    await asyncio.sleep(0)
    assert not flights.is_under_way("clip")


async def test_a_failure_reaches_all_who_wait_and_nobody_later() -> None:
    flights = Flights()

    async def fail() -> None:
        raise ValueError("no")

    async def succeed() -> None:
        pass

    first = flights.join("clip", fail)
    with pytest.raises(ValueError, match="no"):
        await first
    await asyncio.sleep(0)
    await flights.join("clip", succeed)


async def test_the_next_load_begins_although_the_one_before_failed() -> None:
    flights, go_on, done = Flights(), asyncio.Event(), list[int]()

    async def fail() -> None:
        await go_on.wait()
        raise ValueError("no")

    async def succeed() -> None:
        done.append(1)

    first = flights.join("clip", fail)
    second = flights.anew("clip", succeed)
    go_on.set()
    with pytest.raises(ValueError, match="no"):
        await first
    await second
    assert done == [1]
