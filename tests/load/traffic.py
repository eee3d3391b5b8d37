"""The whole traffic against one address: readers, listeners and editors, and everything they met."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from yarl import URL

from bench.children import module_environment
from bench.sse import SPARE_FILES, raise_file_limit
from chaos.client_log import ClientLog
from chaos.queue_client import QueueClient
from load.editing import Editors, choose_pairs
from load.evidence import Evidence
from load.listeners import FIRST_EVENT_SECONDS, ListenPlan
from load.readers import ANSWER_SECONDS, ReadPlan
from load.samples import Sample, from_lists
from load.targets import (
    CATEGORIES,
    Documents,
    Target,
    by_path,
    document_targets,
    record_targets,
    search_targets,
    statistics_targets,
)
from load.truth import Comparison, Truth, fetching
from support.some_horde import APPROVER, REQUESTOR

START_SECONDS: Final = 5.0  # until the processes of the readers run
WARM_UP_SECONDS: Final = 5.0
PATIENCE_SECONDS: Final = 30.0
SETTLE_SECONDS: Final = 3.0  # then no instance is behind, and no answer of before is in the gateway's cache
MOST_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Extent:
    """How much, for how long. `edits` are changes a second, each of them four writes."""

    seconds: float
    rate: float
    listeners: int
    edits: float
    generators: int = 1
    readers: int = 50  # few: each comes again before everything has changed
    with_statistics: bool = True
    seed: int = 1
    keys: tuple[str, str] = (REQUESTOR, APPROVER)
    tries: int = 1  # of half of the editors: with idempotency keys


@dataclass(slots=True)
class Met:
    """What the traffic met; times are seconds since `start`, a time of the monotonic clock."""

    start: float
    samples: list[Sample] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    evidence: Evidence = field(default_factory=Evidence)
    counts: dict[str, int] = field(default_factory=dict)
    listeners: dict[str, Any] = field(default_factory=dict)
    comparison: Comparison = field(default_factory=Comparison)
    problems: list[str] = field(default_factory=list)
    head: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def heard(self) -> dict[int, list[float]]:
        """Return when listeners heard of each revision, in seconds since the start, the first one first."""
        found: Mapping[str, list[float]] = self.listeners.get("heard", {})
        return {int(number): [at - self.start for at in times] for number, times in found.items()}


class Traffic:
    """One run of it; `folder` is for the files that its processes write."""

    def __init__(
        self, session: aiohttp.ClientSession, root_url: str, log: ClientLog, extent: Extent, folder: Path
    ) -> None:
        self._session = session
        self._root_url = root_url
        self._url = URL(root_url)
        self._extent = extent
        self._folder = folder
        self._truth = Truth(fetching(session, root_url))
        self._clients = [QueueClient(session, root_url, log, tries=tries) for tries in (1, extent.tries)]
        self._targets: list[Target] = []
        self._documents: Documents = {}

    async def prepare(self) -> None:
        """Learn what there is to ask for. Raises `NoTruth`."""
        raise_file_limit(2 * self._extent.listeners + SPARE_FILES)
        self._documents = await self._truth.documents(CATEGORIES)
        self._targets = [
            *document_targets(),
            *record_targets(self._documents),
            *search_targets(self._documents, self._extent.seed),
            *(statistics_targets() if self._extent.with_statistics else ()),
        ]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Met]:
        """Let everything run for its time, beside the context; judge it when both are over.

        What is yielded is filled at the end. Raises `NoTruth`, `RuntimeError`.
        """
        async with contextlib.AsyncExitStack() as exits:
            audience = await exits.enter_async_context(self._audience())
            met = Met(time.monotonic() + START_SECONDS + WARM_UP_SECONDS)
            editors = Editors(
                self._clients, choose_pairs(self._documents), self._documents, self._extent.keys
            )
            work = asyncio.create_task(self._work(met, editors))
            work.add_done_callback(lambda _: met.ended.set())
            exits.push_async_callback(_cancelled, work)
            yield met
            await work
            await asyncio.sleep(SETTLE_SECONDS)
            met.head = await self._truth.head()
            met.listeners = await self._heard(audience, met.head)
            await self._judge(met, editors)

    async def _work(self, met: Met, editors: Editors) -> None:
        extent, begin = self._extent, met.start - WARM_UP_SECONDS
        async with asyncio.TaskGroup() as group:
            for number in range(extent.generators):
                group.create_task(self._read(met, number, begin))
            if extent.edits:
                group.create_task(editors.run(met.start, extent.seconds, extent.edits, extent.seed))
        met.samples += editors.samples

    async def _read(self, met: Met, number: int, begin: float) -> None:
        extent = self._extent
        plan = ReadPlan(
            host=self._url.host or "",
            port=self._url.port or 80,
            rate=extent.rate / extent.generators,
            start=begin,
            seconds=extent.seconds + WARM_UP_SECONDS,
            readers=extent.readers,
            seed=extent.seed + number,
            targets=self._targets,
            output=str(self._folder / f"readers-{number}.json"),
        )
        process = await _program("load.readers")
        try:
            async with asyncio.timeout(plan.seconds + START_SECONDS + 3 * ANSWER_SECONDS):
                await process.communicate(plan.render().encode())
        finally:
            await _ended(process)
        if process.returncode:
            raise RuntimeError(f"readers ended with {process.returncode}")
        _take_readings(met, json.loads(await asyncio.to_thread(Path(plan.output).read_text)))

    @contextlib.asynccontextmanager
    async def _audience(self) -> AsyncIterator[tuple[asyncio.subprocess.Process, ListenPlan] | None]:
        if not self._extent.listeners:
            yield None
            return
        plan = ListenPlan(
            host=self._url.host or "",
            port=self._url.port or 80,
            count=self._extent.listeners,
            patience_seconds=PATIENCE_SECONDS,
            seed=self._extent.seed,
            output=str(self._folder / "listeners.json"),
        )
        process = await _program("load.listeners")
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(plan.render().encode() + b"\n")
            async with asyncio.timeout(FIRST_EVENT_SECONDS + plan.count / 500):
                if await process.stdout.readline() != b"ready\n":
                    raise RuntimeError("the listeners could not connect")
            yield process, plan
        finally:
            await _ended(process)

    @staticmethod
    async def _heard(
        audience: tuple[asyncio.subprocess.Process, ListenPlan] | None, head: int
    ) -> dict[str, Any]:
        if audience is None:
            return {}
        process, plan = audience
        async with asyncio.timeout(plan.patience_seconds + START_SECONDS + FIRST_EVENT_SECONDS):
            await process.communicate(f"{head}\n".encode())
        found: dict[str, Any] = json.loads(await asyncio.to_thread(Path(plan.output).read_text))
        return found

    async def _judge(self, met: Met, editors: Editors) -> None:
        final = await self._truth.documents(CATEGORIES)
        met.problems += editors.lost(final)
        met.comparison = await self._truth.compare(met.evidence, by_path(self._targets))
        met.problems += [*met.evidence.problems, *met.comparison.problems]
        met.problems += listening_problems(met.listeners)
        met.counts |= editors.counts()
        met.samples = sorted(after_warm_up(met.samples))


def after_warm_up(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples that were due after the warm-up."""
    return [one for one in samples if one.at >= 0]


def listening_problems(listeners: Mapping[str, Any]) -> list[str]:
    """Return what listeners were not told."""
    problems = [f"listeners: after {last} came {came}" for last, came in listeners.get("gaps", ())]
    if behind := listeners.get("behind", 0):
        problems.append(f"{behind} listeners had not heard of the last revision after {PATIENCE_SECONDS:g} s")
    return problems[:MOST_LISTED]


def _take_readings(met: Met, given: Mapping[str, Any]) -> None:
    warm_up = WARM_UP_SECONDS
    met.samples += [one._replace(at=one.at - warm_up) for one in from_lists(given["samples"])]
    met.lateness += given["lateness"]
    met.evidence.add(Evidence.parse(given["evidence"]))
    for name in ("backwards", "stale", "connections", "replaced"):
        met.counts[name] = met.counts.get(name, 0) + given[name]


async def _program(module: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        env=module_environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
