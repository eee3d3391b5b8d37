"""Run the scenarios, judge what each one left behind, and write chaos-report.json and chaos-report.md.

Exit status: 0 when every promise was kept, 1 when one was broken or a scenario could not run.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from chaos import scenarios
from chaos.arena import Arena, Outcome, an_arena
from chaos.client_scenario import clients
from chaos.crash_points import crash_points
from chaos.event_faults import events_go_wrong
from chaos.mixed import an_arena_of_pairs, mixed
from chaos.report import write_reports
from chaos.scenarios import Extent, Scenario

SCENARIOS: Mapping[str, Scenario] = {
    "races": scenarios.races,
    "one-key-at-once": scenarios.one_key_at_once,
    "crash-points": crash_points,
    "events": events_go_wrong,
    "neighbours": scenarios.neighbours_die,
    "black-holes": scenarios.black_holes,
    "clock": scenarios.clock_jumps,
    "gateway": scenarios.gateway_dies,
    "kills": scenarios.kills,
    "clients": clients,
    "mixed": mixed,
}
ON_PAIRS = ("mixed",)
MOST_PROBLEMS = 50


def main() -> int:
    arguments = parse_arguments()
    names = arguments.scenarios or list(SCENARIOS)
    extent = Extent(
        kills=arguments.kills,
        races=arguments.races,
        fault_seconds=arguments.fault_seconds,
        minutes=arguments.minutes,
        rate=arguments.rate,
        listeners=arguments.listeners,
        reports=arguments.reports,
    )
    say(f"seed {arguments.seed}: the same with --seed {arguments.seed}")
    started = time.monotonic()
    outcomes = asyncio.run(run_until_signal(names, extent, arguments.seed))
    circumstances = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": arguments.seed,
        "kills": arguments.kills,
        "processors": os.cpu_count(),
        "seconds": round(time.monotonic() - started),
    }
    write_reports(arguments.report, circumstances, outcomes)
    broken = [outcome.name for outcome in outcomes if outcome.problems]
    say(f"\n{len(outcomes)} scenarios, broken: {', '.join(broken) or 'none'}; see {arguments.report}.md")
    return 1 if broken or len(outcomes) < len(names) else 0


async def run_until_signal(names: list[str], extent: Extent, seed: int) -> list[Outcome]:
    """Run the scenarios; a signal ends everything that was started, and keeps what is known."""
    outcomes: list[Outcome] = []
    work = asyncio.create_task(run_all(names, extent, seed, outcomes))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        say("interrupted")
    return outcomes


async def run_all(names: list[str], extent: Extent, seed: int, outcomes: list[Outcome]) -> None:
    """Run the scenarios on one stack, and that of the mixed traffic on a larger one."""
    on_pairs = [name for name in names if name in ON_PAIRS]
    for arena_of, chosen in (
        (an_arena_of_pairs, on_pairs),
        (an_arena, [n for n in names if n not in ON_PAIRS]),
    ):
        if not chosen:
            continue
        async with arena_of(seed=seed, say=say) as arena:
            for name in chosen:
                outcomes.append(outcome := Outcome(name))
                say(f"\n{name} ...")
                await run_one(arena, SCENARIOS[name], extent, outcome)
                kept = "; ".join(outcome.problems[:5]) or "all promises kept"
                say(f"{name}: {kept} ({outcome.seconds:.0f} s)")


async def run_one(arena: Arena, scenario: Scenario, extent: Extent, outcome: Outcome) -> None:
    """Run a scenario, bring everything back, and judge the whole journal so far."""
    begun = time.monotonic()
    try:
        await scenario(arena, extent, outcome)
    except Exception as error:  # noqa: BLE001 - the next scenario shall run, whatever this one met
        outcome.problems.append(f"could not run: {type(error).__name__}: {error}")
    await arena.revive()
    judgement = await arena.judge()
    behind, seconds = await arena.converge(judgement)
    outcome.problems += [*judgement.problems, *(f"not at the head after 5 s: {name}" for name in behind)]
    del outcome.problems[MOST_PROBLEMS:]
    outcome.figures["seconds until all were at the head"] = round(seconds, 2)
    outcome.figures["journal"] = f"{judgement.sequence} entries, {judgement.revision} revisions"
    outcome.figures["operations"] = arena.log.counts()
    outcome.seconds = time.monotonic() - begun


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; none: all"
    )
    parser.add_argument("--kills", type=int, default=200, help="random kill -9 of services")
    parser.add_argument("--races", type=int, default=20, help="rounds of each race")
    parser.add_argument("--fault-seconds", type=float, default=4.0, help="how long each fault lasts")
    parser.add_argument("--minutes", type=float, default=10.0, help="of mixed")
    parser.add_argument("--rate", type=float, default=0.0, help="of mixed: reads a second; 0: its own choice")
    parser.add_argument("--listeners", type=int, default=1000, help="of mixed: to the live feed")
    parser.add_argument("--reports", type=Path, default=Path("build/reports"), help="of mixed: the folder")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="of all random decisions")
    parser.add_argument("--report", type=Path, default=Path("chaos-report"), help="without the suffix")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenarios) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
