"""A program with an event loop that loads everything: `python -P client_stall_probe.py STRATEGY [imports]`.

Tells for how long its loop did nothing at most. As in `client_probe`, nothing of this package is imported.
"""

# ruff: noqa: PLC0415

import asyncio
import gc
import json
import sys
import time
from collections.abc import Sequence

TICK_SECONDS = 0.001
CALM_SECONDS = 0.3


class Ticker:
    """Wakes up again and again, and takes note how late it is."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._task = asyncio.create_task(self._tick())

    async def longest(self) -> float:
        """Return the longest delay since the last time, in milliseconds, and begin anew."""
        await asyncio.sleep(3 * TICK_SECONDS)  # what held the loop up until now is counted, too
        late, self.late = self.late, []
        return max(late) * 1000

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _tick(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = time.perf_counter()
            self.late.append(now - last - TICK_SECONDS)
            last = now


class Collections:
    """Takes note of how long the garbage collector worked at a time, in milliseconds."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._started = 0.0
        gc.callbacks.append(self._note)

    def stop(self) -> None:
        gc.callbacks.remove(self._note)

    def _note(self, phase: str, _: dict[str, int]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._started = now
        else:
            self.longest = max(self.longest, (now - self._started) * 1000)


async def measure(strategy: str) -> dict[str, float]:
    """Load everything; return the longest delays of the ticker, before that and during it."""
    ticker = Ticker()
    await asyncio.sleep(CALM_SECONDS)
    calm = await ticker.longest()
    collections, started = Collections(), time.perf_counter()
    await load(strategy)
    seconds, stall = time.perf_counter() - started, await ticker.longest()
    collections.stop()
    await ticker.stop()
    return {"calm": calm, "stall": stall, "seconds": seconds, "collecting": collections.longest}


async def load(strategy: str) -> None:
    """Load everything as programs with a loop do."""
    from horde_model_reference.model_reference_manager import ModelReferenceManager

    if strategy == "async":
        handle = ModelReferenceManager(prefetch_strategy=strategy).deferred_prefetch_handle
        assert handle is not None
        await handle
    else:
        await ModelReferenceManager().warm_cache_async()


def main(words: Sequence[str]) -> None:
    """Measure; `imports`: of the library only its root is imported before there is a loop."""
    import horde_model_reference

    if "imports" not in words:
        import horde_model_reference.model_reference_manager  # noqa: F401
    said = asyncio.run(measure(words[0]))
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
