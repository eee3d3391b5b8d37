"""Runs the stack until Ctrl-C or SIGTERM, and says where everything is."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from stack.child import StackFailed
from stack.running import Plan, Stack, running_stack
from support.nodes import NodeFailed

FAILURES = (StackFailed, NodeFailed, OSError)


def main() -> int:
    """Return 0 after a signal, 1 when the stack cannot run, 2 when it was asked for wrongly."""
    arguments = parse_arguments()
    plan = Plan(
        write=arguments.write,
        read=arguments.read,
        stats=arguments.stats,
        sync=arguments.sync,
        port=arguments.port,
        host=arguments.host,
        environment=os.environ,
        folder=arguments.dir,
        restart_dead=arguments.restart,
    )
    try:
        return asyncio.run(run(plan, arguments.json))
    except FAILURES as error:
        say(f"stack: {error}")
    except ExceptionGroup as group:
        for one in group.exceptions:
            say(f"stack: {one}")
    return 1


async def run(plan: Plan, json_file: Path | None) -> int:
    """Run until a signal comes."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    main_task = asyncio.current_task()
    assert main_task is not None
    running = False

    def on_signal() -> None:
        if running:
            stopping.set()
        else:
            main_task.cancel()  # still starting: what runs is ended on the way out

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    with contextlib.suppress(asyncio.CancelledError):
        async with running_stack(plan, report=say) as stack:
            announce(stack, json_file)
            running = True
            await stopping.wait()
            say("stopping")
    return 0


def announce(stack: Stack, json_file: Path | None) -> None:
    """Say where everything is, for people and for programs."""
    description = stack.describe()
    target = json_file or stack.folder / "stack.json"
    target.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")
    say(f"\n{'process':<16}{'pid':>8}{'port':>8}")
    for process in description["processes"]:
        say(f"{process['name']:<16}{process['pid']:>8}{process['port']:>8}")
    say(f"\nlogs and data    {stack.folder}")
    say(f"description      {target}")
    say(f"base URL         {stack.base_url}")
    say("Ctrl-C stops everything")


def say(text: str) -> None:
    """Write a line at once, for whoever reads the output through a pipe."""
    with contextlib.suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def parse_arguments() -> argparse.Namespace:
    """Read the command line; what cannot be started ends here."""
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    parser.add_argument("--write", type=int, default=3, help="processes of write-queue")
    parser.add_argument("--read", type=int, default=2, help="processes of read-api")
    parser.add_argument("--stats", type=int, default=1, help="processes of stats")
    parser.add_argument("--sync", type=int, default=0, help="processes of sync-worker")
    parser.add_argument("--port", type=int, default=19900, help="port of the gateway")
    parser.add_argument("--host", default="127.0.0.1", help="address the gateway listens on")
    parser.add_argument("--dir", type=Path, help="keep logs and data here, and use them again")
    parser.add_argument("--json", type=Path, help="write the description of all processes to this file")
    parser.add_argument("--restart", action="store_true", help="start a service again that ends by itself")
    arguments = parser.parse_args()
    if arguments.read < 1 or min(arguments.write, arguments.stats, arguments.sync) < 0:
        parser.error("at least one read-api is needed, and no number below 0")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
