"""The background loop of one repository, and the events that it hears of."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from horde_model_reference.events import CatalogCommitted, SyncCompleted, SyncFailed, parse_event
from service_kit.background import running
from service_kit.event_bus import Message, MessageInvalid, WorkQueue
from service_kit.memory_event_bus import MemoryEventBus
from service_kit.telemetry import Telemetry
from support.event_listeners import eventually
from support.metrics import sample
from support.scripted_runs import IMAGE, TEXT, ScriptedRun
from sync_worker.domain.agenda import AgendaTimes
from sync_worker.intake import EventIntake, event_of
from sync_worker.keeper import BUG, Keeper, NotCarried
from sync_worker.metrics import SyncMetrics
from sync_worker.reports import Result, RunReport

AT_ONCE = AgendaTimes(quiet_seconds=0.0, first_retry_seconds=0.01, max_retry_seconds=0.02)
LATER = AgendaTimes(quiet_seconds=0.0, first_retry_seconds=3600.0)
QUEUE = WorkQueue("sync")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=5)


def ignore(_: RunReport) -> None:
    """Take a report."""


@contextlib.asynccontextmanager
async def kept(run: ScriptedRun, times: AgendaTimes = AT_ONCE, **options: Any) -> AsyncIterator[Keeper]:
    """Yield a keeper at work, after its first run."""
    keeper = Keeper(run, times, ignore, **options)
    async with running(keeper.run()):
        if run.gate.is_set():
            await eventually(lambda: keeper.last is not None)
        yield keeper


def committed(revision: int, occurred_at: datetime | None = None, deliveries: int = 1) -> Message:
    event = CatalogCommitted(
        occurred_at=occurred_at or soon(), sequence=revision, revision=revision, kind="applied"
    )
    return Message(event.routing_key, event.render(), deliveries)


async def test_everything_is_compared_once_at_the_start() -> None:
    run = ScriptedRun()
    async with kept(run) as keeper:
        assert keeper.last_success is keeper.last
        await asyncio.sleep(0.05)
    assert run.demanded == [None]


async def test_change_is_carried_when_the_run_for_it_has_ended() -> None:
    run = ScriptedRun()
    async with kept(run) as keeper:
        run.revision = 2
        await keeper.carry(2, soon())
    assert run.demanded == [None, 2]


async def test_change_that_an_earlier_run_had_needs_no_other() -> None:
    run = ScriptedRun(revision=5)
    async with kept(run) as keeper:
        await keeper.carry(4, LONG_AGO)
    assert run.count == 1


async def test_change_after_the_restore_of_a_backup_counts_although_its_revision_is_lower() -> None:
    run = ScriptedRun(revision=9)
    async with kept(run) as keeper:
        run.revision = 4
        await keeper.carry(4, soon())
        assert keeper.last_success is not None
        assert keeper.last_success.revision == 4
    assert run.count == 2


async def test_change_during_a_run_waits_for_the_next_one() -> None:
    run = ScriptedRun()
    run.gate.clear()
    async with kept(run) as keeper:
        await eventually(lambda: run.count == 1)
        carrying = asyncio.create_task(keeper.carry(2, soon()))
        await asyncio.sleep(0.01)
        run.gate.set()
        await carrying
    assert run.demanded == [None, 2]


async def test_failed_run_is_told_to_whoever_waits_and_repeated() -> None:
    run = ScriptedRun(failure="no answer")
    async with kept(run) as keeper:
        with pytest.raises(NotCarried, match="blip: no answer"):
            await keeper.carry(3, soon())
        assert keeper.failures > 0
        run.failure, run.revision = None, 3
        await eventually(lambda: keeper.last_success is not None)
        assert keeper.failures == 0
    assert run.count >= 3


async def test_event_that_is_told_again_does_not_make_a_retry_earlier() -> None:
    run = ScriptedRun(failure="no answer")
    async with kept(run, LATER) as keeper:
        carrying = asyncio.create_task(keeper.carry(3, soon(), is_repeated=True))
        await asyncio.sleep(0.05)
        assert (run.count, carrying.done()) == (1, False)
        run.failure, run.revision = None, 3
        keeper.hear(None)
        await carrying
    assert run.demanded == [None, 3]


async def test_event_that_is_told_again_is_carried_though_the_failures_end_without_it() -> None:
    run = ScriptedRun(failure="no answer")
    async with kept(run, LATER) as keeper:
        run.failure = None
        run.gate.clear()
        keeper.hear(None)
        await eventually(lambda: run.count == 2)
        carrying = asyncio.create_task(keeper.carry(3, soon(), is_repeated=True))
        await asyncio.sleep(0.01)
        run.gate.set()
        await carrying
    assert run.demanded == [None, None, 3]


async def test_a_bug_in_a_run_is_a_failure_and_ends_nothing() -> None:
    run = ScriptedRun(bug=ZeroDivisionError())
    async with kept(run, LATER) as keeper:
        assert keeper.last is not None
        assert keeper.last.failures == {IMAGE.full_name: BUG}
        run.bug = None
        keeper.hear(None)
        await eventually(lambda: keeper.last_success is not None)


async def test_neighbour_that_wants_to_be_left_alone_is() -> None:
    run = ScriptedRun(failure="rate limit", not_before=5000.0)
    async with kept(run, wall=lambda: 1000.0) as keeper:
        keeper.hear(2)
        await asyncio.sleep(0.1)
        assert run.count == 1


@pytest.mark.parametrize(("revision", "runs"), [(1, 1), (2, 2), (None, 2)])
async def test_revision_that_was_asked_for_starts_a_run_unless_it_is_known(
    revision: int | None, runs: int
) -> None:
    run = ScriptedRun()
    async with kept(run) as keeper:
        keeper.hear_of(revision)
        if runs == 2:
            await eventually(lambda: run.count == 2)
        await asyncio.sleep(0.02)
    assert run.count == runs


async def test_revision_that_was_heard_of_does_not_start_over_the_quiet_time() -> None:
    run = ScriptedRun()
    async with kept(run, AgendaTimes(quiet_seconds=3600)) as keeper:
        for revision in (2, 2, None):
            keeper.hear_of(revision)
        assert run.count == 1


async def test_event_has_both_repositories_compared() -> None:
    image, text = ScriptedRun(IMAGE), ScriptedRun(TEXT)
    async with kept(image) as one, kept(text) as other:
        image.revision = text.revision = 2
        await EventIntake([one, other], SyncMetrics(Telemetry("test")), QUEUE).handle(committed(2))
    assert (image.demanded, text.demanded) == ([None, 2], [None, 2])


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'{"revision": 2}'])
async def test_message_that_is_no_event_is_refused_for_ever(body: bytes) -> None:
    intake = EventIntake([], SyncMetrics(Telemetry("test")), QUEUE)
    with pytest.raises(MessageInvalid):
        await intake.handle(Message("catalog.committed", body))
    with pytest.raises(MessageInvalid):
        await intake.handle(Message("another.event", body))


async def test_event_that_cannot_be_carried_is_repeated_and_then_parked_where_it_is_counted() -> None:
    telemetry, bus = Telemetry("test"), MemoryEventBus()
    queue = WorkQueue("q", max_deliveries=3, first_pause_seconds=0.001, max_pause_seconds=0.001)
    run, healthy = ScriptedRun(IMAGE), ScriptedRun(TEXT)
    async with kept(run) as keeper, kept(healthy) as other:
        run.failure = "no answer"  # not sooner: after some failures no revision is demanded
        intake = EventIntake([keeper, other], SyncMetrics(telemetry), queue)
        async with intake.listening(bus):
            message = committed(2)
            bus.publish(message.routing_key, message.body)
            await eventually(lambda: sample(telemetry, "sync_events_parked_total") == 1)
            await eventually(lambda: bus.dead_letters(queue) == [message.body])
            run.failure, run.revision = None, 2
            await eventually(lambda: keeper.last_success is not None and keeper.last_success.revision == 2)
    assert 2 in run.demanded


async def test_event_that_takes_too_long_is_given_back() -> None:
    queue = WorkQueue("q", handler_seconds=0.05)
    run = ScriptedRun()
    async with kept(run, AgendaTimes(quiet_seconds=3600)) as keeper:
        intake = EventIntake([keeper], SyncMetrics(Telemetry("test")), queue)
        with pytest.raises(Exception, match="not carried over in time"):
            await intake.handle(committed(2))


async def test_burst_of_events_becomes_one_run() -> None:
    bus = MemoryEventBus()
    run = ScriptedRun()
    times = AgendaTimes(quiet_seconds=0.3)
    async with (
        kept(run, times) as keeper,
        EventIntake([keeper], SyncMetrics(Telemetry("t")), QUEUE).listening(bus),
    ):
        run.revision = 9
        for revision in range(2, 10):
            message = committed(revision, LONG_AGO)
            bus.publish(message.routing_key, message.body)
        await eventually(lambda: run.count == 2)
        await asyncio.sleep(0.5)
    assert run.count == 2


async def test_metrics_tell_what_the_runs_said() -> None:
    telemetry = Telemetry("test")
    metrics = SyncMetrics(telemetry)
    metrics.prepare("image")
    success = RunReport(IMAGE, Result.in_step, LONG_AGO, 3)
    metrics.note(success, 0)
    failed = RunReport(IMAGE, Result.failed, LONG_AGO, 3, failures={"blip": "x", IMAGE.full_name: "y"})
    metrics.note(failed, 2)
    assert sample(telemetry, "sync_runs_total", repository="image", result="in_step") == 1
    assert sample(telemetry, "sync_failures_total", repository="image", category="blip") == 1
    assert sample(telemetry, "sync_failures_total", repository="image", category="all") == 1
    assert sample(telemetry, "sync_failed_runs_in_a_row", repository="image") == 2
    assert (
        sample(telemetry, "sync_last_success_timestamp_seconds", repository="image") == LONG_AGO.timestamp()
    )


async def test_events_about_runs_are_what_their_routing_keys_say() -> None:
    done = event_of(RunReport(IMAGE, Result.in_step, LONG_AGO, 3))
    failed = event_of(RunReport(IMAGE, Result.failed, LONG_AGO, None, failures={"blip": "x"}))
    assert isinstance(parse_event(done.routing_key, done.render()), SyncCompleted)
    assert isinstance(parse_event(failed.routing_key, failed.render()), SyncFailed)
    assert (done.repository, done.revision) == ("o/image-models", 3)
