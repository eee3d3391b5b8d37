"""Precedence over whatever else runs here, so that figures are those of the library and not of neighbours.

It needs a right that not everybody has; without it the figures are taken all the same.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

COMMAND: Final = ("chrt", "--fifo", "1")
PRIORITY: Final = 1


@cache
def is_allowed() -> bool:
    """Say whether precedence can be had."""
    if shutil.which(COMMAND[0]) is None:
        return False
    return subprocess.run([*COMMAND, "true"], capture_output=True, check=False).returncode == 0


def preceding(command: Iterable[str]) -> list[str]:
    """Return the command that runs a command before all others, where that is allowed."""
    return [*(COMMAND if is_allowed() else ()), *command]


@contextlib.contextmanager
def precedence_of(pids: Iterable[int]) -> Iterator[None]:
    """Let running processes come before all others for a while, where that is allowed."""
    if not is_allowed():
        yield
        return
    chosen = tuple(pids)
    _schedule(chosen, os.SCHED_FIFO, PRIORITY)
    try:
        yield
    finally:
        _schedule(chosen, os.SCHED_OTHER, 0)


def _schedule(pids: Iterable[int], policy: int, priority: int) -> None:
    for pid in pids:
        for task in _tasks(pid):
            with contextlib.suppress(ProcessLookupError):  # a thread that has just ended
                os.sched_setscheduler(task, policy, os.sched_param(priority))


def _tasks(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]
    return []
