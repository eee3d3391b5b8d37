"""A program that uses the library while the service is under attack, and says what it saw.

`python -m chaos.reference_client PLAN NAME`, where PLAN is the JSON of a `ClientPlan`. It writes JSON objects
to standard output, each on a line, and ends when standard input does. Nothing but the library is used.
What it logs goes to the folder CLIENT_LOGS, if that is set.
"""

import asyncio
import faulthandler
import logging
import multiprocessing
import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

from chaos.client_plan import ClientPlan, Sides
from chaos.watch import Seen, Watch, say
from horde_model_reference import ModelReferenceManager

PAUSE_SECONDS: Final = 0.05
CHILD_SECONDS: Final = 2.0
CHILD_PATIENCE_SECONDS: Final = 60.0
FORK_PAUSE_SECONDS: Final = 3.0
JOIN_SECONDS: Final = 30.0
WARM_SECONDS: Final = 10.0

Records = Mapping[str, Any]


class Client:
    """Reads in every way there is, and gives what it saw to the watch."""

    def __init__(self, plan: ClientPlan) -> None:
        self.plan = plan
        self.watch = Watch(plan.name, self.is_in_contact, loose=plan.loose)
        self.stopping = threading.Event()
        self.manager = ModelReferenceManager(prefetch_strategy=plan.strategy)

    def is_in_contact(self) -> bool:
        """Say whether the PRIMARY has given something to this process, if it ever may.

        Not before a read: to ask would open the back end, which a first read has to do.
        """
        if self.plan.offline or not self.watch.reads:
            return self.plan.offline
        return bool(self.manager.backend.get_statistics()["primary_hits"] > 0)

    def one(self, category: str) -> Seen:
        return self._counters({category: self.manager.get_model_reference(category)})

    def all(self) -> Seen:
        return self._counters(self.manager.get_all_model_references())

    def raw(self, category: str) -> Seen:
        found = self.manager.get_raw_model_reference_json(category)
        if found is None:
            raise RuntimeError(f"no raw JSON of {category}")
        return self._counters({category: found})

    def legacy(self, category: str) -> Seen:
        """Only that there is one: it is cached apart from the records."""
        if self.manager.backend.get_legacy_json(category) is None:
            raise RuntimeError(f"no legacy JSON of {category}")
        return {}

    def query(self, category: str) -> Seen:
        return self._counters({category: by_name(self.manager.query(category).to_list())})

    def query_all(self) -> Seen:
        found = by_name(self.manager.query_all().to_list())
        return self._counters(dict.fromkeys(self.plan.categories, found))

    def single(self, category: str) -> Seen:
        """Look single records up by name, one after another: nobody promises that these are of one moment."""
        sides = self.plan.sides_in(category)
        seen: Seen = {}
        for pair, names in sides.items():
            record = self.manager.query(category).where(name=names[0]).first()
            if record is None:
                raise RuntimeError(f"no {names[0]} in {category}")
            seen[pair] = {names[0]: counter_of(record)}
            if self.manager.get_model(category, names[0]).name != names[0]:
                raise RuntimeError(f"another record than {names[0]}")
        return seen

    async def one_async(self, category: str) -> Seen:
        return self._counters({category: await self.manager.get_model_reference_async(category)})

    async def all_async(self) -> Seen:
        return self._counters(await self.manager.get_all_model_references_async())

    def _counters(self, found: Mapping[str, Records]) -> Seen:
        """Return the counters of the records of every pair that lies in these categories; -1: not there."""
        seen: Seen = {}
        for pair, sides in self.plan.pairs.items():
            inside: Sides = tuple((category, name) for category, name in sides if category in found)
            counters = {name: counter_of(found[category].get(name)) for category, name in inside}
            if counters:
                seen[pair] = counters
        return seen

    def ways(self) -> list[Callable[[], Seen]]:
        """Return the blocking reads."""
        categories = self.plan.categories
        ways: list[Callable[[], Seen]] = [self.all, self.query_all]
        # offline raw JSON is read anew each time, records are a moment old: which is newer is left open
        raw = [] if self.plan.offline else [self.raw]
        for category in categories:
            ways += [partial(way, category) for way in (self.one, self.query, self.single, *raw)]
        if self.plan.reads_legacy:
            ways.append(partial(self.legacy, categories[0]))
        return ways

    def ways_async(self) -> list[Callable[[], Awaitable[Seen]]]:
        """Return the reads that do not block a loop."""
        ways: list[Callable[[], Awaitable[Seen]]] = [self.all_async]
        ways += [partial(self.one_async, category) for category in self.plan.categories]
        return ways

    def read_in_thread(self) -> None:
        chance = random.Random()
        ways = self.ways()
        while not self.stopping.is_set():
            way = chance.choice(ways)
            with self.watch.looking() as look:
                look.seen = way()
            time.sleep(chance.uniform(0, 2 * PAUSE_SECONDS))

    async def read_in_task(self) -> None:
        chance = random.Random()
        ways = self.ways_async()
        while not self.stopping.is_set():
            with self.watch.looking() as look:
                look.seen = await chance.choice(ways)()
            await asyncio.sleep(chance.uniform(0, 2 * PAUSE_SECONDS))

    def fork_now_and_then(self) -> None:
        """Have children, who read what the parent has, and then what the service has."""
        fork = multiprocessing.get_context("fork")
        while not self.stopping.wait(FORK_PAUSE_SECONDS):
            if not self.watch.is_warm:
                continue
            child = fork.Process(target=self.live_as_child, args=(time.monotonic() + CHILD_SECONDS,))
            child.start()
            child.join(CHILD_PATIENCE_SECONDS)
            if child.is_alive():
                self.watch.problem("a forked child does not end")
                child.kill()
                child.join()
            elif child.exitcode:
                self.watch.problem(f"a forked child ended with {child.exitcode}")
            self.watch.children += 1

    def live_as_child(self, until: float) -> None:
        floors = dict(self.watch.floors)
        faulthandler.dump_traceback_later(CHILD_PATIENCE_SECONDS / 2)
        self.watch = Watch(f"{self.plan.name} child", lambda: True, loose=self.plan.loose, floors=floors)
        ways = self.ways()
        while time.monotonic() < until:
            with self.watch.looking() as look:
                look.seen = random.choice(ways)()
        self.watch.tell_report()  # what keeps the process from ending after this will be told, too

    def warm_up(self) -> None:
        """Read until there is everything: at once, or one category after another.

        In the middle of an outage the one may be from the service and the other from the disk (ADR 0007):
        as soon as there was contact it has to be shown that everything is of one moment.
        """
        ways: list[Callable[[], Seen]] = [self.all]
        if random.random() < 0.5:
            ways = [partial(self.one, category) for category in self.plan.categories]
            random.shuffle(ways)
        if self.plan.reads_legacy:
            ways.append(partial(self.legacy, self.plan.categories[0]))
        while not self.stopping.is_set():
            seen = [self.look(way) for way in ways]
            if all(seen) and (self.plan.offline or not self.is_in_contact() or self.look(self.all)):
                self.watch.is_warm = True
                say("warm", {"at": time.time()})
                return
            time.sleep(PAUSE_SECONDS)

    def look(self, way: Callable[[], Seen]) -> bool:
        """Read once; say whether everything is there, and of one moment."""
        with self.watch.looking() as look:
            look.seen = way()
        counters = [set(counters.values()) for counters in look.seen.values()]
        return look.error is None and all(len(found) == 1 and -1 not in found for found in counters)

    def run(self) -> None:
        """Read until standard input ends."""
        commands = threading.Thread(target=self.heed, daemon=True)
        commands.start()
        self.warm_up()
        threads = [
            threading.Thread(target=self.read_in_thread, daemon=True) for _ in range(self.plan.threads)
        ]
        if self.plan.forks:
            threads.append(threading.Thread(target=self.fork_now_and_then, daemon=True))
        if self.plan.tasks:
            threads.append(threading.Thread(target=self.run_loop, daemon=True))
        for thread in threads:
            thread.start()
        if not self.stopping.wait(WARM_SECONDS):
            say("usage", {"when": "warm", **usage()})
        self.stopping.wait()
        if self.plan.leaves_at_once:
            return
        for thread in threads:
            thread.join(JOIN_SECONDS)
            if thread.is_alive():
                self.watch.problem("a read does not end")

    def heed(self) -> None:
        """Wait for the end of standard input; without its lock, which forked children would inherit."""
        while os.read(0, 1):
            pass
        self.stopping.set()

    def run_loop(self) -> None:
        async def readers() -> None:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.plan.tasks):
                    group.create_task(self.read_in_task())

        asyncio.run(readers())

    def run_once(self) -> None:
        """Read everything once and go, as scripts do; that there is nothing is no problem of theirs."""
        if self.plan.tasks:
            asyncio.run(self.read_once())
            return
        with self.watch.looking() as look:
            look.seen = self.all()

    async def read_once(self) -> None:
        with self.watch.looking() as look:
            look.seen = await self.all_async()


def by_name(records: list[Any]) -> dict[str, Any]:
    return {record.name: record for record in records}


def counter_of(record: Any) -> int:
    """Return what the editor wrote last; -1 where there is no record."""
    if record is None:
        return -1
    text = record.get("description") if isinstance(record, dict) else record.description
    return int(str(text).partition("#")[0])


def usage() -> dict[str, int]:
    """Return what this process takes: memory in KiB, threads, open files."""
    pages = int(open("/proc/self/statm", encoding="ascii").read().split()[1])  # noqa: SIM115, PTH123
    return {
        "rss_kib": pages * resource.getpagesize() // 1024,
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
    }


def main() -> int:
    faulthandler.register(signal.SIGUSR1)
    if folder := os.environ.get("CLIENT_LOGS"):
        logging.basicConfig(
            filename=f"{folder}/{sys.argv[2]}.log",
            level=logging.DEBUG,
            format="%(asctime)s %(threadName)s %(name)s %(message)s",
        )
    plan = ClientPlan.parse(sys.argv[1])
    client = Client(plan)
    if plan.once:
        client.run_once()
    else:
        client.run()
    say("usage", {"when": "end", **usage()})
    client.watch.tell_report()
    say("leaving", {"at": time.time()})
    return 0


if __name__ == "__main__":
    sys.exit(main())
