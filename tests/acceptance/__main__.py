"""Run the contract runner for the library, and say how it went.

Targets are `standalone` and `stack`; interpreters are versions such as 3.12, or `venv` for this one.
Exit status: 0 when nothing failed, 1 otherwise. What cannot run here is left out, and named.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from stack.child import StackFailed
from stack.running import Plan, running_stack
from support.client_contract import Verdict, check_client
from support.library_environments import EnvironmentFailed, build_wheel, fetched_environment, find_python
from support.nodes import NodeFailed
from support.processes import service
from support.reference_data import SHARED

RUNS = ("standalone venv", "standalone 3.12", "standalone 3.13", "stack venv")
CANNOT_RUN = (EnvironmentFailed, StackFailed, NodeFailed)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m acceptance", description=__doc__)
    parser.add_argument("runs", nargs="*", metavar="'TARGET INTERPRETER'", help=f"none: {', '.join(RUNS)}")
    parser.add_argument("--only", help="only checks whose name holds this")
    arguments = parser.parse_args()
    if not (SHARED / "contract").is_dir():
        say(f"the contract runners are not here: {SHARED}")
        return 1
    words = ["--only", arguments.only] if arguments.only else []
    return asyncio.run(run_all(arguments.runs or list(RUNS), words))


async def run_all(runs: list[str], words: list[str]) -> int:
    """Do the runs, one after another."""
    lines, is_broken = [], False
    for run in runs:
        target, _, interpreter = run.partition(" ")
        try:
            verdict = await run_one(target, interpreter, words)
        except CANNOT_RUN as error:
            lines.append(f"{run:<18} left out: {error}")
            continue
        say(f"\n{run}\n{verdict.output}")
        is_broken = is_broken or bool(verdict.failures)
        lines.append(
            f"{run:<18} {verdict.passed} passed, {len(verdict.failures)} failed in {verdict.seconds} s"
        )
    say("\n" + "\n".join(lines))
    return 1 if is_broken else 0


async def run_one(target: str, interpreter: str, words: list[str]) -> Verdict:
    """Start the target, and run the checks against it."""
    with tempfile.TemporaryDirectory(prefix="acceptance-") as name:
        python = await asyncio.to_thread(interpreter_for, interpreter, Path(name))
        async with a_target(target, Path(name)) as base_url:
            return await check_client(base_url, python, *words)


def interpreter_for(version: str, folder: Path) -> Path:
    """Return an interpreter that has the library: this one, or another one with the wheel."""
    if version in {"", "venv"}:
        return Path(sys.executable)
    base = find_python(version)
    if base is None:
        raise EnvironmentFailed(f"Python {version} is not installed")
    return fetched_environment(folder / "environment", build_wheel(folder / "wheel"), base)


@contextlib.asynccontextmanager
async def a_target(target: str, folder: Path) -> AsyncIterator[str]:
    """Yield the base URL of a PRIMARY with the real data."""
    seed = {"SEED_DIR": str(SHARED / "data"), "ACCESS_LOG": "false"}
    if target == "stack":
        async with running_stack(Plan(write=1, read=2, settings=seed), report=say) as stack:
            yield stack.base_url
    elif target == "standalone":
        async with service("serve", {**seed, "DATA_DIR": str(folder / "data")}) as process:
            await process.wait_until("/ready", 200)
            yield process.base_url
    else:
        raise EnvironmentFailed(f"there is no target {target}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
