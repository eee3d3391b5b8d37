"""Memory and processor time of every part of the system over time, as the kernel counts them."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
INTERVAL_SECONDS: Final = 2.0
TICKS_PER_SECOND: Final = os.sysconf("SC_CLK_TCK")

Roots = Callable[[], Mapping[str, int]]
"""The process each part consists of now, with everything it has started; 0 where there is none."""


@dataclass(slots=True)
class Usage:
    """Of each part its memory at each time (of shared pages its share), and its processor time."""

    at: list[float] = field(default_factory=list)
    megabytes: dict[str, list[float | None]] = field(default_factory=dict)
    processor_seconds: dict[str, float] = field(default_factory=dict)


class Watcher:
    """Looks every few seconds; `start` is the zero of its times, on the monotonic clock."""

    def __init__(self, roots: Roots, start: float) -> None:
        self._roots = roots
        self._start = start
        self._last: dict[tuple[str, int], float] = {}
        self.usage = Usage()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look until the end of the context."""
        task = asyncio.create_task(self._look_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _look_on(self) -> None:
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(INTERVAL_SECONDS)

    def look(self) -> None:
        """Look once."""
        children = _children()
        usage, now = self.usage, time.monotonic() - self._start
        for name, pid in self._roots().items():
            family = list(_family(pid, children)) if pid else []
            known = [size for one in family if (size := resident_megabytes(one)) is not None]
            # a part that was away at first has nothing to show for then
            past = usage.megabytes.setdefault(name, [None] * len(usage.at))
            past.append(round(sum(known), 1) if known else None)
            if now >= 0:
                self._count_processor(name, family)
        usage.at.append(round(now, 2))

    def _count_processor(self, name: str, family: list[int]) -> None:
        for pid in family:
            if (seconds := processor_seconds(pid)) is not None:
                before = self._last.get((name, pid), seconds)
                self._last[name, pid] = seconds
                spent = self.usage.processor_seconds.get(name, 0.0)
                self.usage.processor_seconds[name] = spent + max(0.0, seconds - before)


def resident_megabytes(pid: int) -> float | None:
    """Return the process's proportional share of memory; its resident memory where that is not told."""
    for name, wanted in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        with contextlib.suppress(OSError):
            for line in (PROC / str(pid) / name).read_text().splitlines():
                if line.startswith(wanted):
                    return int(line.split()[1]) / 1024
    return None


def processor_seconds(pid: int) -> float | None:
    """Return the processor time a process has used, or None if it is gone."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                found.setdefault(parent, []).append(int(folder.name))
    return found


def _family(pid: int, children: Mapping[int, list[int]]) -> Iterator[int]:
    yield pid
    for child in children.get(pid, ()):
        yield from _family(child, children)
