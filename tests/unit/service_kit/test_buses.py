"""Which bus is opened, and what is reported about it."""

import subprocess
import sys

import pytest
from pydantic import SecretStr, ValidationError

from service_kit.buses import bus_check, open_event_bus
from service_kit.errors import NotReady
from service_kit.event_bus import EventBus
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.settings import AmqpSettings
from support.event_listeners import eventually, listening
from support.nodes import free_ports


async def test_without_an_address_events_stay_in_the_process() -> None:
    async with open_event_bus(AmqpSettings()) as bus, listening(bus, "a.b") as listener:
        assert isinstance(bus, MemoryEventBus)
        bus.publish("a.b", b"1")
        assert await listener.heard(1) == [b"1"]
        await bus_check(bus).run()


async def test_broker_that_is_away_is_reported_and_required_by_nobody() -> None:
    url = SecretStr(f"amqp://horde:secret@127.0.0.1:{free_ports(1)[0]}/")
    async with open_event_bus(AmqpSettings(url=url, first_pause_seconds=0.01)) as bus:
        await eventually(lambda: bus.failure == "AMQPConnectionError")
        check = bus_check(bus)
        assert not check.required
        with pytest.raises(NotReady, match="degraded") as caught:
            await check.run()
    assert "secret" not in str(caught.value)


def test_driver_is_loaded_only_where_a_broker_is_configured() -> None:
    code = "import sys, service_kit.buses; sys.exit('aio_pika' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "url", ["amqp://broker", "amqp://u:p%2Fq@broker:5672/vhost", "amqps://u:p@broker:5671/", ""]
)
def test_address_of_a_broker_is_accepted(url: str) -> None:
    assert AmqpSettings(url=SecretStr(url)).configured == bool(url)


@pytest.mark.parametrize(
    "url", ["http://broker", "broker:5672", "amqp://", "amqp://u:sec/ret@broker:5672/", "amqp://broker:0"]
)
def test_other_address_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValidationError, match="must have the form") as caught:
        AmqpSettings(url=SecretStr(url))
    assert "sec/ret" not in str(caught.value)


def adapters_fit_the_port(memory: MemoryEventBus) -> EventBus:
    """Checked by the type checker."""
    return memory
