"""Mixed traffic for some minutes, and what became of it: JSON for `python -m load.report`.

Exit status: 0 when every promise was kept, 1 when one was broken, 2 when it could not run.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp

from chaos.arena import Arena, an_arena
from chaos.client_log import ClientLog
from chaos.queue_client import open_session
from load.catalogue import seed_directory
from load.horde import serving_horde
from load.machine import circumstances
from load.parts import Usage, Watcher
from load.roots import parts_of
from load.summary import failed_reads, old_answers, summary
from load.traffic import Extent, Met, Traffic
from load.truth import NoTruth
from stack.child import StackFailed
from support.nodes import NodeFailed
from support.some_horde import APPROVER, REQUESTOR

CANNOT_RUN = (StackFailed, NodeFailed, NoTruth, OSError, RuntimeError, aiohttp.ClientError, TimeoutError)
MOST_SHOWN = 20


def main() -> int:
    arguments = parse_arguments()
    extent = Extent(
        seconds=arguments.seconds,
        rate=arguments.rate,
        listeners=arguments.listeners,
        edits=arguments.edits if arguments.requestor_key and arguments.approver_key else 0.0,
        generators=arguments.generators,
        with_statistics=not arguments.without_statistics,
        seed=arguments.seed,
        keys=(arguments.requestor_key, arguments.approver_key),
    )
    try:
        with tempfile.TemporaryDirectory(prefix="horde-load-") as folder:
            result = asyncio.run(run(arguments, extent, Path(folder)))
    except CANNOT_RUN as error:
        say(f"load: {type(error).__name__}: {error}")
        return 2
    except ExceptionGroup as group:
        say("load: " + "; ".join(f"{type(one).__name__}: {one}" for one in group.exceptions))
        return 2
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result) + "\n", encoding="utf-8")
    tell(result)
    say(f"written to {arguments.output}")
    return 1 if result["problems"] else 0


async def run(arguments: argparse.Namespace, extent: Extent, folder: Path) -> dict[str, Any]:
    """Run against the given address, or against a stack of our own."""
    if arguments.url:
        async with open_session() as session:
            return await against_address(session, arguments.url.rstrip("/"), extent, folder)
    seed_dir = seed_directory(folder)
    async with (
        serving_horde(seed_dir) as horde_url,
        an_arena(
            seed=extent.seed,
            say=say,
            write=arguments.write,
            read=arguments.read,
            stats=arguments.stats,
            through_proxies=False,
            is_crashable=False,
            settings={"SEED_DIR": str(seed_dir), "AI_HORDE_URL": horde_url},
        ) as arena,
    ):
        return await against_arena(arena, extent, folder)


async def against_address(
    session: aiohttp.ClientSession, root_url: str, extent: Extent, folder: Path
) -> dict[str, Any]:
    """Run against something that runs already; of it nothing is known but its answers."""
    say(f"load on a given address for {extent.seconds:g} s")
    machine, traffic = circumstances(), Traffic(session, root_url, ClientLog(), extent, folder)
    await traffic.prepare()
    async with traffic.running() as met:
        pass
    return finished("load", extent, met, Usage(), machine=machine, system={"given": "an address"})


async def against_arena(arena: Arena, extent: Extent, folder: Path) -> dict[str, Any]:
    """Run against a stack; its journal is read afterwards, past all services."""
    say(f"load for {extent.seconds:g} s")
    machine = circumstances()
    traffic = Traffic(arena.session, arena.stack.root_url, arena.log, extent, folder)
    await traffic.prepare()
    async with traffic.running() as met:
        watcher = Watcher(lambda: parts_of(arena.stack), met.start)
        async with watcher.running():
            await met.ended.wait()
    judgement = await arena.judge()
    met.problems += judgement.problems
    if judgement.revision != met.head:
        met.problems.append(f"the journal is at {judgement.revision}, the service says {met.head}")
    stack = arena.stack
    system = {"read-api": len(stack.reads), "write-queue": len(stack.writes), "stats": len(stack.stats)}
    journal = {"entries": judgement.sequence, "revisions": judgement.revision}
    more = {"machine": machine, "system": system, "journal": journal}
    return finished("load", extent, met, watcher.usage, **more)


def finished(name: str, extent: Extent, met: Met, usage: Usage, **more: Any) -> dict[str, Any]:
    """Judge the reads too, and return the result."""
    met.problems += [*failed_reads(met), *old_answers(met)]
    return summary(name, extent, met, usage, **more)


def tell(result: dict[str, Any]) -> None:
    """Say how it went."""
    say(f"\n{'kind':<22}{'count':>9}{'failed':>8}{'p50':>9}{'p99':>9}{'p99.9':>9}{'max':>10}  (ms)")
    for one in result["kinds"]:
        cells = "".join(f"{one[name]:>9.1f}" for name in ("p50", "p99", "p999"))
        say(f"{one['kind']:<22}{one['count']:>9,}{one['failed']:>8}{cells}{one['max']:>10.1f}")
    say(f"\n{json.dumps(result['answers'])}\n{json.dumps(result['counts'])}")
    say(f"listeners {json.dumps(result['listeners'])}\nage of answers {json.dumps(result['age'])}")
    say(f"the generator was late by {json.dumps(result['lateness'])}")
    for problem in result["problems"][:MOST_SHOWN]:
        say(f"PROBLEM {problem}")
    say(f"{len(result['problems'])} promises broken")


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long, after a warm-up")
    parser.add_argument("--rate", type=float, default=300.0, help="reads a second")
    parser.add_argument("--edits", type=float, default=0.3, help="changes a second, of two records each")
    parser.add_argument("--listeners", type=int, default=1000, help="to the live feed")
    parser.add_argument("--generators", type=int, default=1, help="processes that send the reads")
    parser.add_argument("--seed", type=int, default=1, help="of all random choices")
    parser.add_argument("--without-statistics", action="store_true", help="there are no live figures")
    parser.add_argument("--url", help="the root of a running gateway; without it a stack is started")
    parser.add_argument("--requestor-key", default=REQUESTOR, help="whose proposals; empty: no writes")
    parser.add_argument("--approver-key", default=APPROVER, help="whose decisions")
    parser.add_argument("--write", type=int, default=2, help="processes of write-queue")
    parser.add_argument("--read", type=int, default=2, help="processes of read-api")
    parser.add_argument("--stats", type=int, default=1, help="processes of stats")
    parser.add_argument("--output", type=Path, default=Path("build/reports/load.json"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
