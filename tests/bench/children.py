"""Child processes, and what the kernel counts for them."""

import contextlib
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from support.processes import clean_environment

STOP_SECONDS = 15.0
QUIET_SHARE = 0.03  # of one processor
QUIET_WINDOW_SECONDS = 0.5


@contextlib.contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str] | None = None, *, log_file: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command with its errors in `log_file`, and end it, by its own pid, afterwards."""
    with log_file.open("wb") as log:
        child = subprocess.Popen(
            command,
            env=clean_environment(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        yield child
    finally:
        end(child)


def end(child: subprocess.Popen[bytes]) -> None:
    """Ask the child to stop; insist when it does not."""
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def module_environment() -> dict[str, str]:
    """Return an environment in which the modules of this package are found."""
    return clean_environment({"PYTHONPATH": str(Path(__file__).parents[1])})


def main_thread_seconds(pid: int) -> float:
    """Return the processor time of the main thread, where the event loop runs."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def process_seconds(pid: int) -> float:
    """Return the processor time of all threads together."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    total = 0
    for task in tasks:
        with contextlib.suppress(OSError):  # a thread that has just ended
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def waiting_seconds(pid: int) -> float:
    """Return how long all threads together were ready to run while others had the processors."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[1])
    return total / 1e9


def resident_megabytes(pid: int, *, peak: bool = False) -> float:
    """Return the resident memory, now or at its highest."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(wanted):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"{wanted} is not known for process {pid}")


def wait_until_quiet(pid: int, *, timeout_seconds: float) -> bool:
    """Wait until the process has no more work of its own; return False when the time is over before."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        before = process_seconds(pid)
        time.sleep(QUIET_WINDOW_SECONDS)
        if process_seconds(pid) - before < QUIET_SHARE * QUIET_WINDOW_SECONDS:
            return True
    return False
