"""Opens the queue of an instance, and keeps it warm."""

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from registry.blobs import Blobs
from registry.checkpoints import Checkpoints
from registry.entry_signature import PublicKey
from registry.errors import JournalError
from registry.journal import Journal
from registry.signatures import Signer
from registry.writer import Writer
from service_kit.authentication import Authenticator
from service_kit.background import running, said_loudly
from service_kit.errors import StoreUnavailable, StoreUnsafe
from service_kit.event_bus import EventBus
from service_kit.head_nudge import when_newer
from service_kit.key_check import open_key_checker
from service_kit.object_store import ObjectStore
from service_kit.rate_limit import RateLimiter
from service_kit.request_limits import RequestLimits
from service_kit.retry import RetryPolicy
from service_kit.roles import RoleTable
from service_kit.store_probe import probe
from service_kit.telemetry import Telemetry
from write_queue.announcer import WATCHED, Announcer
from write_queue.domain.catalogue import Catalogue
from write_queue.domain.commands import Rules
from write_queue.domain.service import QueueService
from write_queue.metrics import StepMetrics
from write_queue.settings import WriteQueueSettings
from write_queue.write_side import WriteSide

PAUSES: Final = RetryPolicy(first_pause_seconds=0.2, max_pause_seconds=5.0)
"""Between looks for a store that does not answer; there is no last one."""

WARM_AFTER_SECONDS: Final = 0.5

Prove = Callable[[], Awaitable[object]]
OnUnusable = Callable[[Exception], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What the write side stands on. `prove` returns once the store is known to be safe for writers."""

    store: ObjectStore
    bus: EventBus
    limiter: RateLimiter
    prove: Prove
    signer: Signer | None = None

    @property
    def public_key(self) -> PublicKey | None:
        """What signatures can be checked with; None where nothing is signed."""
        return self.signer.public_key if self.signer else None


@contextlib.asynccontextmanager
async def working(
    side: WriteSide, settings: WriteQueueSettings, neighbours: Neighbours, telemetry: Telemetry
) -> AsyncIterator[None]:
    """Open the queue as soon as the store is proven and the journal was read, until the end of the context.

    Keys are checked from the start.
    """
    journal = Journal(neighbours.store, signer=neighbours.signer)
    blobs = Blobs(neighbours.store)
    async with AsyncExitStack() as stack:
        writer = Writer(journal, Checkpoints(neighbours.store, journal))
        stack.push_async_callback(writer.aclose)
        service = QueueService(
            writer,
            Catalogue(blobs, journal),
            Rules(settings.canonical_format, require_two_persons=settings.require_two_persons),
            on_appended=Announcer(neighbours.bus, StepMetrics(telemetry).note),
        )
        checker = await stack.enter_async_context(open_key_checker(settings, telemetry))
        limits = RequestLimits(
            neighbours.limiter, settings.rate_limits, telemetry, trusted_proxies=settings.trusted_proxies
        )
        roles = RoleTable.from_settings(settings.pending_queue)
        side.attach(
            Authenticator(checker, roles, limits),
            known=lambda: writer.known,
            public_key=neighbours.public_key,
        )
        stack.callback(side.close)
        await stack.enter_async_context(_warm(neighbours.bus, writer, service))
        opening = _open(side, service, neighbours.prove)
        async with running(opening, on_end=said_loudly(log, "the queue will not open")):
            yield


@contextlib.asynccontextmanager
async def _warm(bus: EventBus, writer: Writer, service: QueueService) -> AsyncIterator[None]:
    """Read on soon after another instance wrote something, so that the next request has less to read.

    Not at once: whoever wrote, and the readers that show it, have better use for the processors, and of many
    events in a row one reading takes care.
    """

    def known_sequence() -> int:
        return writer.known.sequence if writer.known else 0

    async def read_on() -> None:
        await asyncio.sleep(WARM_AFTER_SECONDS)
        with contextlib.suppress(StoreUnavailable, JournalError):  # the next request says so
            await service.state()

    async with bus.subscribe(WATCHED, when_newer(known_sequence, read_on)):
        yield


async def _open(side: WriteSide, service: QueueService, prove: Prove) -> None:
    async with asyncio.TaskGroup() as group:  # both take their time
        group.create_task(_prove(prove))
        group.create_task(_read(side, service))
    gc.freeze()  # a full collection over what a started process consists of stops it for 0.1 s (measured)
    side.open(service)


async def _prove(prove: Prove) -> None:
    await prove()


async def _read(side: WriteSide, service: QueueService) -> None:
    tries = 0
    while True:
        tries += 1
        try:
            await service.state()
        except (StoreUnavailable, JournalError) as error:
            if repr(error) != repr(side.failure):  # once for each reason
                log.exception("the journal cannot be read")
            side.failure = error
            await asyncio.sleep(PAUSES.pause_seconds(tries))
        else:
            side.failure = None
            return


async def prove_store(store: ObjectStore, on_unusable: OnUnusable) -> None:
    """Return when the store is known to honour conditional creates; never if it does not."""
    tries = 0
    while True:
        tries += 1
        try:
            return await probe(store)
        except StoreUnavailable as error:
            log.warning("waiting for the object store: %s", error)
            await asyncio.sleep(PAUSES.pause_seconds(tries))
        except StoreUnsafe as error:
            on_unusable(error)
            await asyncio.Event().wait()  # until the process, which is ending now, cancels this
