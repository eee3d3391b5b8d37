"""Reports on the event bus, and what they say of the journal."""

import asyncio
import logging
from collections.abc import Mapping

import pytest

from horde_model_reference.events import InstanceReported, parse_event
from registry.instance_events import Audience, reporting
from registry.sources import SEED_FILES
from registry.state import State
from registry.state_facts import position_of, queue_facts, seeding_facts
from service_kit.errors import NotReady
from service_kit.health import Check
from service_kit.instance_reports import Identity, Position, ReportTiming, Subject
from service_kit.memory_event_bus import MemoryEventBus
from support.contents import a_record
from support.event_listeners import Listener, eventually, listening
from support.histories import Past

QUICK = ReportTiming(interval_seconds=0.02, look_seconds=0.005)


async def fine() -> None:
    return


async def missing() -> None:
    raise NotReady("there is no such thing")


def heard(listener: Listener) -> list[InstanceReported]:
    reports = [parse_event(message.routing_key, message.body) for message in listener.messages]
    return [report for report in reports if isinstance(report, InstanceReported)]


async def test_instance_is_heard_of_from_its_start_to_its_stop() -> None:
    bus = MemoryEventBus()
    me = Identity("write-queue", version="1.2.3", host="machine-7")
    subject = Subject(lambda: Position(7, 3), lambda: {"queue": {"pending": 2, "approved": 1}})
    checks = [Check("queue", fine), Check("store", missing, required=False)]
    async with listening(bus, "instance.reported") as listener:
        async with reporting(me, checks, subject, Audience(bus), timing=QUICK):
            await listener.heard(3)
        await eventually(lambda: heard(listener)[-1].state == "stopping")
    reports = heard(listener)

    assert [report.number for report in reports] == list(range(1, len(reports) + 1))
    assert [reports[0].state, reports[1].state] == ["starting", "running"]
    told = reports[1]
    assert (told.service, told.parts, told.version) == ("write-queue", ("write-queue",), "1.2.3")
    assert (told.host, told.instance_id, told.started_at) == ("machine-7", me.instance_id, me.started_at)
    assert (told.sequence, told.revision) == (7, 3)
    assert told.queue is not None
    assert (told.queue.pending, told.queue.approved) == (2, 1)
    assert [(check.name, check.ok, check.required) for check in told.checks] == [
        ("queue", True, True),
        ("store", False, False),
    ]
    assert told.checks[1].last_error == "there is no such thing"


async def test_own_process_hears_also_while_the_broker_is_away_and_others_do_not() -> None:
    bus, own = MemoryEventBus(), list[InstanceReported]()
    bus.failure = "ConnectionError"
    async with (
        listening(bus, "instance.reported") as listener,
        reporting(Identity("stats"), [], Subject(), Audience(bus, own.append), timing=QUICK),
    ):
        await eventually(lambda: len(own) > 2)
        assert listener.messages == []
        bus.failure = None
        await listener.heard(1)
    assert heard(listener)[0].number > 2


async def test_without_a_bus_the_own_process_hears() -> None:
    own = list[InstanceReported]()
    async with reporting(Identity("stats"), [], Subject(), Audience(on_report=own.append), timing=QUICK):
        await eventually(lambda: len(own) >= 2)
    assert own[-1].state == "stopping"


async def test_end_of_reporting_by_a_bug_is_told_loudly(caplog: pytest.LogCaptureFixture) -> None:
    broken = False

    def facts() -> Mapping[str, object]:
        return {"queue": "no number"} if broken else {}

    own = list[InstanceReported]()
    audience = Audience(on_report=own.append)
    async with reporting(Identity("stats"), [], Subject(facts=facts), audience, timing=QUICK):
        await eventually(lambda: len(own) >= 2)
        broken = True
        await eventually(lambda: bool(caplog.records))
        broken = False
        await asyncio.sleep(0)
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]


def test_instance_that_has_no_journal_yet_says_so() -> None:
    assert position_of(None) == Position()
    assert queue_facts(None) == {}
    assert seeding_facts(None) == {}


def test_empty_journal_has_no_catalogue_to_be_seeded_in_part() -> None:
    assert position_of(State()) == Position(0, 0)
    assert queue_facts(State()) == {"queue": {"pending": 0, "approved": 0}}
    assert seeding_facts(State()) == {}


async def test_changes_that_wait_are_counted_by_what_they_wait_for() -> None:
    past = Past()
    await past.seed({"clip": {"a": a_record("clip", "a")}})
    await past.apply({"clip": {"a": a_record("clip", "a"), "b": a_record("clip", "b")}})
    assert queue_facts(past.state) == {"queue": {"pending": 0, "approved": 0}}
    assert position_of(past.state) == Position(past.state.sequence, 2)


async def test_categories_that_were_never_seeded_are_named() -> None:
    past = Past()
    await past.seed({"clip": {"a": a_record("clip", "a")}})
    unseeded = seeding_facts(past.state)["unseeded"]
    assert unseeded == tuple(name for name in SEED_FILES if name != "clip")
