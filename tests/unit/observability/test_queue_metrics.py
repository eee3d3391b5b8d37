"""What waits in the queue, and what happened to it."""

import json
import logging

import pytest
from prometheus_client.parser import text_string_to_metric_families

from horde_model_reference.events import ChangeProposed
from registry.state import State
from service_kit.event_bus import Message
from service_kit.log_context import REQUEST_ID
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.telemetry import Telemetry
from support.event_listeners import eventually
from support.metrics import sample
from support.queues import a_queue
from write_queue.announcer import Announcer, events_of
from write_queue.metrics import QueueMetrics, StepMetrics


def shown(state: State | None) -> Telemetry:
    telemetry = Telemetry("test")
    telemetry.registry.register(QueueMetrics(lambda: state))
    return telemetry


async def test_waiting_changes_are_counted_by_what_they_wait_for() -> None:
    queue = await a_queue()
    first, second, third = await queue.create("a"), await queue.create("b"), await queue.create("c")
    await queue.approve(first)
    await queue.reject(second)
    state = await queue.service.state()
    telemetry = shown(state)
    depths = {name: sample(telemetry, "queue_depth", state=name) for name in ("pending", "approved")}
    assert depths == {"pending": 1.0, "approved": 1.0}
    oldest = sample(telemetry, "queue_oldest_change_timestamp_seconds", state="pending")
    assert oldest == state.queue.changes[third].requested.at
    assert sample(telemetry, "queue_revision") == state.revision
    assert sample(telemetry, "queue_journal_sequence") == state.sequence


async def test_empty_queue_has_depths_and_no_oldest_change() -> None:
    queue = await a_queue()
    text = shown(await queue.service.state()).render().decode()
    values = {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name.startswith("queue_depth") or one.name.startswith("queue_oldest")
    }
    assert values == {("queue_depth", "pending"): 0.0, ("queue_depth", "approved"): 0.0}


def test_before_the_journal_was_read_nothing_is_told() -> None:
    assert b"queue_" not in shown(None).render()


async def test_depth_follows_the_newest_state() -> None:
    queue = await a_queue()
    states = [await queue.service.state()]
    telemetry = Telemetry("test")
    telemetry.registry.register(QueueMetrics(lambda: states[-1]))
    assert sample(telemetry, "queue_depth", state="pending") == 0.0
    await queue.create("a")
    states.append(await queue.service.state())
    assert sample(telemetry, "queue_depth", state="pending") == 1.0


async def test_steps_are_counted_by_changes() -> None:
    queue = await a_queue()
    first, second = await queue.create("a"), await queue.create("b")
    await queue.approve(first)
    await queue.reject(second)
    await queue.apply(first)
    telemetry = Telemetry("test")
    steps = StepMetrics(telemetry)
    for appended in queue.told:
        steps.note(events_of(appended))
    counts = {
        step: sample(telemetry, "queue_changes_total", step=step)
        for step in ("proposed", "approved", "rejected", "applied")
    }
    assert counts == {"proposed": 2.0, "approved": 1.0, "rejected": 1.0, "applied": 1.0}


async def test_events_name_the_request_that_led_to_them_and_the_changes() -> None:
    queue = await a_queue()
    change_id = await queue.create("a")
    await queue.approve(change_id)
    await queue.apply(change_id)
    token = REQUEST_ID.set("r-1")
    try:
        applied, committed = events_of(queue.told[-1])
    finally:
        REQUEST_ID.reset(token)
    assert (applied.request_id, committed.request_id) == ("r-1", "r-1")
    assert committed.model_dump()["change_ids"] == (change_id,)


async def test_announcer_tells_the_bus_the_log_and_who_counts(caplog: pytest.LogCaptureFixture) -> None:
    queue = await a_queue()
    change_id = await queue.create("a")
    counted: list[object] = []
    heard: list[bytes] = []

    async def hear(message: Message) -> None:
        heard.append(message.body)

    bus = MemoryEventBus()
    with caplog.at_level(logging.INFO, "write_queue"):
        async with bus.subscribe(("change.*",), hear):
            Announcer(bus, counted.extend)(queue.told[-1])
            await eventually(lambda: len(heard) == 1)
    (record,) = caplog.records
    (event,) = counted
    assert isinstance(event, ChangeProposed)
    assert json.loads(heard[0])["event_id"] == event.event_id
    assert record.message == "change.proposed"
    assert vars(record)["fields"] == {
        "event_id": event.event_id,
        "sequence": event.sequence,
        "revision": event.revision,
        "change_ids": [change_id],
        "user_id": "101",
    }
