"""What may keep something from being measured; it is then reported as missing."""

import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp

from bench.figures import Figure, missing
from bench.wrk import ToolMissing

FAILURES = (
    ToolMissing,
    RuntimeError,
    OSError,
    subprocess.SubprocessError,
    aiohttp.ClientError,
    ExceptionGroup,
)


def attempt(name: str, step: Callable[[], list[Figure]]) -> list[Figure]:
    """Run one step and say so; one that cannot run is a figure that is not reached."""
    say(f"  {name} ...")
    try:
        return step()
    except FAILURES as error:
        return _failed(name, error)


async def attempt_part(name: str, part: Awaitable[list[Figure]]) -> list[Figure]:
    """Do the same with a part of a step, and say how long it took."""
    started = time.perf_counter()
    try:
        return await part
    except FAILURES as error:
        return _failed(name, error)
    finally:
        say(f"    {name}: {time.perf_counter() - started:.0f} s")


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _failed(name: str, error: BaseException) -> list[Figure]:
    text = str(error) or type(error).__name__
    say(f"  {name}: {text}")
    return [missing(name, text.splitlines()[0])]
