"""Categories that were never seeded are seeded by whoever writes the journal, beside its other work."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final

from prometheus_client import Counter

from horde_model_reference.meta_consts import ReplicateMode
from registry.blobs import Blobs
from registry.filling import fill_missing
from registry.journal import Journal
from registry.seed_origins import SeedOrigins
from registry.state import State
from registry.unseeded import Filled, Filler, Pauses, Seeding, SeedStanding
from service_kit.background import running, said_loudly
from service_kit.errors import ServiceError
from service_kit.telemetry import Telemetry
from write_queue.opening import Neighbours
from write_queue.settings import WriteQueueSettings
from write_queue.write_side import WriteSide

LOOK_SECONDS: Final = 2.0

log = logging.getLogger(__name__)


def seed_standing(telemetry: Telemetry) -> SeedStanding:
    """Return what is to be known of the categories that were never seeded; the tries are counted."""
    tries = Counter("seed_tries", "Tries to seed what is missing.", ["outcome"], registry=telemetry.registry)
    return SeedStanding(lambda outcome: tries.labels(outcome).inc())


@contextlib.asynccontextmanager
async def seeding(
    side: WriteSide,
    settings: WriteQueueSettings,
    neighbours: Neighbours,
    standing: SeedStanding,
    telemetry: Telemetry,
    *,
    pauses: Pauses | None = None,
) -> AsyncIterator[None]:
    """Seed what was never written, trying again until nothing is missing or the context ends.

    An empty journal is left alone: what it is filled with is not decided by a process that just writes.
    Several instances may do so at once: of each category the journal takes one entry.
    """
    if settings.replicate_mode is not ReplicateMode.PRIMARY:
        yield
        return
    journal, blobs = Journal(neighbours.store, signer=neighbours.signer), Blobs(neighbours.store)
    origins = SeedOrigins(settings, telemetry=telemetry)

    async def fill() -> Filled:
        before = await side.state()
        return Filled.of(await fill_missing(journal, blobs, before, origins), before)

    seeder = Seeding(Filler(fill), standing, pauses)
    async with running(
        _seed(side, seeder), on_end=said_loudly(log, "what was never seeded is not tried again")
    ):
        yield


async def _seed(side: WriteSide, seeding: Seeding) -> None:
    seeding.look(await _filled_state(side))
    await seeding.run()


async def _filled_state(side: WriteSide) -> State:
    """Return the state as soon as there is a catalogue; the queue opens only in a store that is proven."""
    while True:
        with contextlib.suppress(ServiceError):  # who asks for something is told
            state = await side.state()
            if state.catalogue is not None:
                return state
        await asyncio.sleep(LOOK_SECONDS)
