"""Hears of changes: from the broker's work queue, or by asking the primary."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Final

from horde_model_reference.events import (
    CatalogCommitted,
    EventInvalid,
    SyncCompleted,
    SyncEnded,
    SyncFailed,
    parse_event,
)
from service_kit.errors import ServiceError
from service_kit.event_bus import EventBus, Message, MessageInvalid, WorkQueue
from service_kit.log_context import origin_request_id
from service_kit.retry import RetryPolicy
from sync_worker.keeper import Keeper
from sync_worker.metrics import SyncMetrics
from sync_worker.primary import DocumentSource
from sync_worker.reports import RunReport

TOPICS: Final = (CatalogCommitted.routing_key,)
OWN_SHARE: Final = 0.95  # of a handler's time, so that giving up is noticed here
LONGEST_PAUSE_SECONDS: Final = 600.0

log = logging.getLogger(__name__)


def work_queue(exchange: str) -> WorkQueue:
    """Return the queue of all workers on an exchange."""
    return WorkQueue(
        f"{exchange}.sync_worker",
        max_deliveries=6,
        first_pause_seconds=10.0,
        max_pause_seconds=60.0,
        handler_seconds=1500.0,  # the broker takes a message back after half an hour
    )


class EventIntake:
    """Has every change carried over by all keepers, or given up where everybody sees it."""

    def __init__(self, keepers: Sequence[Keeper], metrics: SyncMetrics, queue: WorkQueue) -> None:
        self._keepers = keepers
        self._metrics = metrics
        self._queue = queue

    @contextlib.asynccontextmanager
    async def listening(self, bus: EventBus) -> AsyncIterator[None]:
        """Take events until the end of the context.

        Of several instances one is handed the events of the queue; it handles one after another, so that a
        second subscription tells it how many follow.
        """
        async with (
            bus.subscribe(TOPICS, self._note_activity),
            bus.subscribe(TOPICS, self.handle, work_queue=self._queue),
        ):
            yield

    async def handle(self, message: Message) -> None:
        """Return when both repositories have the change. Raises `NotCarried`, `MessageInvalid`."""
        event = _committed(message)
        repeated = message.deliveries > 1
        carrying = (
            keeper.carry(event.revision, event.occurred_at, is_repeated=repeated) for keeper in self._keepers
        )
        try:
            async with asyncio.timeout(self._queue.handler_seconds * OWN_SHARE):
                outcomes = await asyncio.gather(*carrying, return_exceptions=True)
        except TimeoutError:
            outcomes = [ServiceError(f"revision {event.revision} was not carried over in time")]
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                self._note_failure(message, outcome)
                raise outcome

    def _note_failure(self, message: Message, error: BaseException) -> None:
        if message.deliveries >= self._queue.max_deliveries:
            self._metrics.events_parked.inc()
            log.error("an event is given up and lies in %s: %s", self._queue.dead_letters, error)

    async def _note_activity(self, _: Message) -> None:
        for keeper in self._keepers:
            keeper.note_activity()


def _committed(message: Message) -> CatalogCommitted:
    try:
        event = parse_event(message.routing_key, message.body)
    except EventInvalid as error:
        raise MessageInvalid(str(error)) from None
    if not isinstance(event, CatalogCommitted):
        raise MessageInvalid(f"{message.routing_key} is not for this queue")
    return event


async def watch(primary: DocumentSource, keepers: Sequence[Keeper], interval_seconds: float) -> None:
    """Ask the primary at an interval whether it has another revision, until cancelled.

    Any other revision counts, a lower one too. While it does not answer it is asked less often.
    """
    category = keepers[0].target.categories[0]
    longest = max(interval_seconds, LONGEST_PAUSE_SECONDS)
    patience = RetryPolicy(first_pause_seconds=interval_seconds, max_pause_seconds=longest)
    failures = 0
    while True:
        await asyncio.sleep(interval_seconds + (patience.pause_seconds(failures) if failures else 0))
        try:
            revision = await primary.revision(category)
        except ServiceError as error:
            failures += 1
            log.warning(
                "the primary was asked %d times for its revision without success: %s", failures, error
            )
            continue
        failures = 0
        for keeper in keepers:
            keeper.hear_of(revision)


def event_of(report: RunReport) -> SyncEnded:
    """Return what is told to the other services about a run."""
    pull = report.pull
    told = {
        "occurred_at": datetime.now(UTC),
        "request_id": origin_request_id(),
        "repository": report.target.full_name,
        "revision": report.revision,
        "drift": report.totals,
        "pull_number": pull.number if pull else None,
        "pull_url": pull.url if pull else "",
    }
    if report.has_failed:
        return SyncFailed.model_validate({**told, "failures": dict(report.failures or {})})
    return SyncCompleted.model_validate({**told, "result": report.result.value})
