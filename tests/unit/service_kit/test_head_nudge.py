"""Acting on events about journal entries that are not known yet."""

import json

import pytest

from service_kit.event_bus import Message, MessageInvalid
from service_kit.head_nudge import nudging, when_newer
from service_kit.memory_event_bus import MemoryEventBus
from support.event_listeners import eventually, listening


class Instance:
    """Something at some place of the journal that counts how often it is nudged."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self.nudges = 0

    def nudge(self) -> None:
        self.nudges += 1

    async def catch_up(self) -> None:
        self.nudges += 1
        self.sequence = 100


def about(sequence: int) -> bytes:
    return json.dumps({"sequence": sequence, "revision": 1, "more": None}).encode()


@pytest.mark.parametrize(("sequence", "acts"), [(5, False), (7, False), (8, True), (99, True)])
async def test_only_entries_after_the_known_one_matter(sequence: int, *, acts: bool) -> None:
    instance = Instance(7)
    await when_newer(lambda: instance.sequence, instance.catch_up)(Message("a.b", about(sequence)))
    assert instance.nudges == int(acts)


async def test_duplicates_and_older_events_cost_nothing() -> None:
    instance = Instance(7)
    handle = when_newer(lambda: instance.sequence, instance.catch_up)
    for sequence in (9, 9, 8, 9):
        await handle(Message("a.b", about(sequence)))
    assert instance.nudges == 1


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'{"sequence": "9"}', b'{"sequence": 0}'])
async def test_what_names_no_entry_is_not_understood(body: bytes) -> None:
    instance = Instance(7)
    with pytest.raises(MessageInvalid):
        await when_newer(lambda: instance.sequence, instance.catch_up)(Message("a.b", body))
    assert instance.nudges == 0


async def test_nudged_once_when_attached_and_then_by_newer_events() -> None:
    instance = Instance(7)
    bus = MemoryEventBus()
    async with (
        nudging(bus, ("catalog.*",), instance.nudge, lambda: instance.sequence),
        listening(bus, "#") as everything,
    ):
        await eventually(lambda: instance.nudges == 1)
        for body in (about(7), b"nonsense", about(8)):
            bus.publish("catalog.committed", body)
        bus.publish("change.proposed", about(9))
        await everything.heard(4)
        await eventually(lambda: instance.nudges == 2)
    bus.publish("catalog.committed", about(50))
    assert instance.nudges == 2
