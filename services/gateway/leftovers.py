"""Ends what an nginx leaves behind that was killed: its workers hold its addresses."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PROCESSES: Final = Path("/proc")
GONE_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.01


def end_leftovers(home: Path) -> int:
    """Kill every nginx that works in the directory, and wait until it is gone. Return how many there were.

    Blocks. The directory must be the caller's own, so that nobody else's nginx works there.
    """
    found = list(_of(home))
    for pid in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + GONE_SECONDS
    while any(_lives(pid) for pid in found) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)  # noqa: TID251 - in a thread
    return len(found)


def _of(home: Path) -> Iterator[int]:
    for folder in PROCESSES.iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it ended, or is somebody else's
                if (folder / "comm").read_text() == "nginx\n" and (folder / "cwd").readlink() == home:
                    yield int(folder.name)


def _lives(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):  # who is adopted by process 1, which we are in a container
        os.waitpid(pid, os.WNOHANG)
    return (PROCESSES / str(pid) / "cwd").exists()
