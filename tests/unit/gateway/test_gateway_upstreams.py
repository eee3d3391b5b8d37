"""Which instances the gateway believes there are."""

from gateway.configuration import Service
from gateway.metrics import GatewayMetrics
from gateway.upstreams import Upstreams
from service_kit.telemetry import Telemetry
from support.some_names import SomeNames

FORGET_SECONDS = 30.0


class Watched:
    """Names looked up under a clock that the test moves."""

    def __init__(self, *targets: str, names: SomeNames | None = None) -> None:
        self.now = 100.0
        self.names = names or SomeNames()
        self.telemetry = Telemetry("gateway")
        self._upstreams = Upstreams(
            {Service.READ_API: targets},
            self.names,
            GatewayMetrics(self.telemetry),
            FORGET_SECONDS,
            lambda: self.now,
        )

    async def look(self) -> tuple[str, ...]:
        await self._upstreams.refresh()
        return self._upstreams.addresses[Service.READ_API]


async def test_addresses_are_taken_as_they_are() -> None:
    watched = Watched("10.0.0.2:1", "[fd00::1]:2")
    watched.names.away = True
    assert await watched.look() == ("10.0.0.2:1", "[fd00::1]:2")


async def test_name_stands_for_all_its_addresses() -> None:
    watched = Watched("reads:1", "10.0.0.9:2", names=SomeNames(reads=("10.0.0.2", "10.0.0.3")))
    assert await watched.look() == ("10.0.0.2:1", "10.0.0.3:1", "10.0.0.9:2")


async def test_address_that_is_named_twice_counts_once() -> None:
    names = SomeNames(one=("10.0.0.2",), other=("10.0.0.2",))
    assert await Watched("one:1", "other:1", names=names).look() == ("10.0.0.2:1",)


async def test_changed_addresses_are_seen_at_the_next_look() -> None:
    watched = Watched("reads:1", names=SomeNames(reads=("10.0.0.2", "10.0.0.3")))
    await watched.look()
    watched.names.addresses_by_name["reads"] = ("10.0.0.3", "10.0.0.4")
    assert await watched.look() == ("10.0.0.3:1", "10.0.0.4:1")


async def test_name_that_lost_its_addresses_keeps_them_for_a_while() -> None:
    watched = Watched("reads:1", names=SomeNames(reads=("10.0.0.2",)))
    await watched.look()
    watched.names.addresses_by_name.clear()
    watched.now += FORGET_SECONDS - 1
    assert await watched.look() == ("10.0.0.2:1",)
    watched.now += 1
    assert await watched.look() == ()


async def test_ill_name_server_changes_nothing_however_long() -> None:
    watched = Watched("reads:1", names=SomeNames(reads=("10.0.0.2",)))
    await watched.look()
    watched.names.away = True
    watched.now += 100 * FORGET_SECONDS
    assert await watched.look() == ("10.0.0.2:1",)


async def test_other_names_are_followed_while_one_has_none() -> None:
    watched = Watched("reads:1", "more:1", names=SomeNames(more=("10.0.0.5",)))
    assert await watched.look() == ("10.0.0.5:1",)


async def test_addresses_and_look_ups_are_counted() -> None:
    watched = Watched("reads:1", "nobody:1", names=SomeNames(reads=("10.0.0.2", "10.0.0.3")))
    await watched.look()
    value = watched.telemetry.registry.get_sample_value
    assert value("gateway_upstream_addresses", {"upstream": "read-api"}) == 2
    assert value("gateway_lookup_seconds_count", {"outcome": "found"}) == 1
    assert value("gateway_lookup_seconds_count", {"outcome": "none"}) == 1
