"""Asks the AI-Horde for everything, or, while it fails, with a single call whether it is back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from stats.horde.answers import HordeCallFailed
from stats.horde.breaker import Admission, Breaker
from stats.horde.client import CALLS, Call
from stats.horde.figures import Answers, Outcome
from stats.horde.timing import Timing

Take = Callable[[Answers], Awaitable[None]]


class Horde(Protocol):
    """Answers the calls; `HordeClient` is the real one."""

    async def fetch(self, call: Call) -> Outcome:
        """Return an answer, trying for a while. Raises `HordeCallFailed`."""

    async def probe(self, call: Call) -> Outcome:
        """Return an answer to a single try. Raises `HordeCallFailed`."""


class Refresher:
    """Makes one round at a time. Every source is received, or fails, on its own."""

    def __init__(self, client: Horde, breaker: Breaker, timing: Timing) -> None:
        self._client = client
        self._breaker = breaker
        self._timing = timing
        self._probes = 0

    async def run_round(self, take: Take, *, urgent: bool) -> bool:
        """Ask what may be asked, and hand the outcomes to `take`: the early ones first, once more at the end.

        Returns whether anything was asked. A call that has no outcome yet is not among the early ones.
        """
        match self._breaker.admit(urgent=urgent):
            case Admission.NOTHING:
                return False
            case Admission.EVERYTHING:
                await self._ask(CALLS, {}, take)
            case Admission.ONE_CALL:
                await self._probe(take)
        return True

    async def _probe(self, take: Take) -> None:
        """Ask for another source each time, for some may work while others do not."""
        call = CALLS[self._probes % len(CALLS)]
        try:
            outcome = await _outcome(self._client.probe(call))
        finally:
            self._breaker.note_interruption()
        self._note([outcome])
        if isinstance(outcome, HordeCallFailed):
            self._probes += 1
            await take({call: outcome})
            return
        await self._ask([other for other in CALLS if other != call], {call: outcome}, take)

    async def _ask(self, calls: Iterable[Call], known: Answers, take: Take) -> None:
        """Ask at once. Whoever has nothing to serve is told early rather than after some tries."""
        ask = self._client.probe if self._breaker.is_cold else self._client.fetch
        asked = {asyncio.create_task(_outcome(ask(call))): call for call in calls}
        try:
            done, waiting = await asyncio.wait(asked, timeout=self._timing.partial_seconds)
            if waiting:
                early = {**known, **{asked[task]: task.result() for task in done}}
                await take(_successes(early))
                await asyncio.wait(waiting)
        finally:
            await _end(asked)
        outcomes = {**known, **{call: task.result() for task, call in asked.items()}}
        self._note(outcomes.values())
        await take(outcomes)

    def _note(self, outcomes: Iterable[Outcome]) -> None:
        """Tell the breaker; one call that succeeds shows that the AI-Horde is there."""
        given = list(outcomes)
        failures = [outcome for outcome in given if isinstance(outcome, HordeCallFailed)]
        for _ in failures:
            self._breaker.note_failure()
        if len(failures) < len(given):
            self._breaker.note_success()
        self._breaker.note_demand(max((failure.retry_after_seconds for failure in failures), default=0.0))


async def _outcome(fetching: Awaitable[Outcome]) -> Outcome:
    try:
        return await fetching
    except HordeCallFailed as error:
        return error


async def _end(tasks: Iterable[asyncio.Task[Outcome]]) -> None:
    every = list(tasks)
    for task in every:
        task.cancel()
    await asyncio.gather(*every, return_exceptions=True)


def _successes(answers: Answers) -> Answers:
    return {call: outcome for call, outcome in answers.items() if not isinstance(outcome, HordeCallFailed)}
