"""Clients at work: pairs of records that always change together, and readers that look at both."""

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import aiohttp

from chaos.client_log import ClientLog
from chaos.queue_client import CATEGORY, REFERENCES, QueueClient

DOCUMENT = f"{REFERENCES}/v2/{CATEGORY}"
GENERATIONS = 4
READ_PAUSE_SECONDS = 0.02
WRITE_PAUSE_SECONDS = 0.05
READ_SECONDS = 20.0


@dataclass(slots=True)
class Readings:
    """What readers got. `halves` are answers in which one record of a pair was ahead of the other."""

    statuses: Counter[str] = field(default_factory=Counter)
    halves: list[str] = field(default_factory=list)
    backwards: list[str] = field(default_factory=list)
    newest: dict[str, int] = field(default_factory=dict)

    def note(self, who: str, status: int | str, revision: str | None, body: bytes) -> None:
        """Take one answer."""
        self.statuses[f"{who.partition(' ')[0]}: {status}"] += 1
        if status != 200:
            return
        self.halves += [f"{who} at revision {revision}: {half}" for half in halves(json.loads(body))]
        if who.startswith("instance") and revision is not None:
            if int(revision) < self.newest.get(who, 0):
                self.backwards.append(f"{who} went from revision {self.newest[who]} back to {revision}")
            self.newest[who] = int(revision)

    @property
    def failures(self) -> int:
        """Reads through the cache that did not give the document."""
        return sum(n for name, n in self.statuses.items() if name.startswith("open") and name != "open: 200")


def halves(document: dict[str, dict[str, object]]) -> list[str]:
    """Return the pairs of which a reader saw only a half, or two halves of different age."""
    generations: dict[str, dict[str, str]] = {}
    for name, record in document.items():
        pair, mark, side = name.rpartition(".")
        if mark and pair.startswith("pair-"):
            generations.setdefault(pair, {})[side] = str(record.get("description", "")).partition("#")[0]
    return [
        f"{pair} is {sides}"
        for pair, sides in generations.items()
        if len(sides) != 2 or len(set(sides.values())) != 1
    ]


class Load:
    """Writers and readers until the end of the context."""

    def __init__(self, session: aiohttp.ClientSession, gateway_url: str, log: ClientLog, seed: int) -> None:
        self._session = session
        self._gateway_url = gateway_url
        self._log = log
        self._random = random.Random(seed)
        self._stop = asyncio.Event()
        self.readings = Readings()
        self.pause_seconds = WRITE_PAUSE_SECONDS

    @contextlib.asynccontextmanager
    async def running(self, instance_urls: Sequence[str], *, writers: int = 4) -> AsyncIterator[None]:
        """Write through the gateway; read through it, with and without its cache, and from each instance."""
        self._stop.clear()
        tasks = [asyncio.create_task(self._write(tries=1 + 5 * (n % 2))) for n in range(writers)]
        tasks.append(asyncio.create_task(self._read("open", self._gateway_url, {})))
        tasks.append(asyncio.create_task(self._read("keyed", self._gateway_url, {"apikey": "0000000000"})))
        tasks += [asyncio.create_task(self._read(f"instance {url}", url, {})) for url in instance_urls]
        try:
            yield
        finally:
            self._stop.set()  # what is on its way may come to its end: its verdict belongs into the log
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome

    async def _write(self, *, tries: int) -> None:
        client = QueueClient(self._session, self._gateway_url, self._log, tries=tries)
        while not self._stop.is_set():
            pair = self._log.fresh("pair")
            names = (f"{pair}.a", f"{pair}.b")
            generation = 0
            while generation < GENERATIONS and not self._stop.is_set():
                if not await client.make_live(*names, update=generation > 0, description=f"{generation}"):
                    break
                generation += 1
                await asyncio.sleep(self._random.uniform(0, 2 * self.pause_seconds))
            await asyncio.sleep(self.pause_seconds)

    async def _read(self, who: str, root_url: str, headers: dict[str, str]) -> None:
        timeout = aiohttp.ClientTimeout(total=READ_SECONDS)
        while not self._stop.is_set():
            try:
                async with self._session.get(root_url + DOCUMENT, headers=headers, timeout=timeout) as answer:
                    self.readings.note(
                        who, answer.status, answer.headers.get("X-Revision"), await answer.read()
                    )
            except (aiohttp.ClientError, TimeoutError) as error:
                self.readings.note(who, type(error).__name__, None, b"")
            await asyncio.sleep(self._random.uniform(0, 2 * READ_PAUSE_SECONDS))
