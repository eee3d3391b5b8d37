"""The search for first figures: the only time that a request makes the AI-Horde be asked."""

import asyncio
from typing import Final

from service_kit.lease import Held, Lease, MemoryLease
from stats.domain.runtime import HordeKind
from stats.horde.figures import Figures
from stats.horde.instance import Instance
from stats.horde.timing import Timing

PROBE: Final = "stats:probe"
STEP_SECONDS: Final = 0.1


class FirstFigures:
    """Searches in steps, each made once for all who wait.

    Over all instances a single probe is made in a while, also when the AI-Horde is being left alone after
    failures: so one that was just started is seen by the first request.
    """

    def __init__(self, figures: Figures, instance: Instance, lease: Lease, timing: Timing) -> None:
        self._figures = figures
        self._instance = instance
        self._lease = lease
        self._own_lease = MemoryLease(clock=timing.monotonic)  # where nobody can tell who has the other
        self._timing = timing
        self._step: asyncio.Task[bool] | None = None

    async def wait_for(self, kind: HordeKind) -> None:
        """Return when there are figures of the kind, or when it is known that there will be none soon."""
        failed = self._instance.failed_rounds
        while self._figures.shown[kind].is_empty:
            if self._step is None or self._step.done():
                self._step = asyncio.create_task(self._make_step())
            # shielded, for one request that gives up must not end it for the others
            if not await asyncio.shield(self._step) or self._instance.failed_rounds != failed:
                return

    async def close(self) -> None:
        """End the step that is being made."""
        if self._step is not None:
            self._step.cancel()
            await asyncio.gather(self._step, return_exceptions=True)

    async def _make_step(self) -> bool:
        """Return whether another step makes sense."""
        if self._instance.is_asking:
            await self._instance.wait_for_round(STEP_SECONDS)
            return True
        await self._instance.meet()
        if not self._figures.are_empty:
            return False  # what is missing now was asked for, and failed
        if self._instance.probes_are_vain:
            return False
        if await self._may_probe():
            self._instance.begin_round(urgent=True)
        else:
            await asyncio.sleep(STEP_SECONDS)
        return True

    async def _may_probe(self) -> bool:
        held = await self._lease.claim(PROBE, seconds=self._timing.probe_seconds)
        if held is Held.UNKNOWN:
            held = await self._own_lease.claim(PROBE, seconds=self._timing.probe_seconds)
        return held is Held.HERE
