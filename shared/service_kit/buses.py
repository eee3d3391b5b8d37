"""Chooses the adapter of the event bus from the settings, and reports on it."""

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator
from typing import Final

from service_kit.errors import NotReady
from service_kit.event_bus import EventBus
from service_kit.health import Check
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.settings import AmqpSettings
from service_kit.telemetry import Telemetry

RABBIT: Final = "service_kit.rabbit_event_bus"


@contextlib.asynccontextmanager
async def open_event_bus(amqp: AmqpSettings, telemetry: Telemetry | None = None) -> AsyncIterator[EventBus]:
    """Yield the broker's bus if one is configured, else one in this process.

    A broker that is down is no error; the bus attaches as soon as it can.
    """
    if not amqp.configured:
        yield MemoryEventBus(telemetry)
        return
    adapter = await asyncio.to_thread(importlib.import_module, RABBIT)  # heavy: only where it is used
    async with adapter.open_rabbit_bus(amqp, telemetry) as bus:
        yield bus


def bus_check(bus: EventBus) -> Check:
    """Return a check that reports on the bus, but does not make a service unready: it works without."""

    async def attached() -> None:
        if bus.failure is not None:
            raise NotReady(f"degraded, new entries are only looked for at an interval: {bus.failure}")

    return Check("events", attached, required=False)
