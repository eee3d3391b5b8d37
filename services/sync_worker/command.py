"""What the commands do: compare once, or go on until a signal."""

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import Final

from service_kit.background import running
from service_kit.telemetry import Telemetry
from sync_worker.intake import watch
from sync_worker.keeper import Keeper
from sync_worker.opening import Mode, Patience, agenda_times, open_runs
from sync_worker.reports import RunReport
from sync_worker.settings import SyncWorkerSettings

COMMAND: Final = "sync"


async def run_once(
    settings: SyncWorkerSettings, mode: Mode, *, patience: Patience | None = None
) -> list[RunReport]:
    """Run for each repository, and return the reports. Raises `SettingsInvalid`."""
    async with open_runs(settings, mode, Telemetry(COMMAND), patience) as opened:
        return list(await asyncio.gather(*(run() for run in opened.runs)))


async def run_until_stopped(
    settings: SyncWorkerSettings,
    mode: Mode,
    on_report: Callable[[RunReport], None],
    *,
    patience: Patience | None = None,
) -> None:
    """Run at once, and whenever the primary has another revision, until SIGTERM or SIGINT."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if not await _is_over(stopped, settings.watch_initial_delay_seconds):
        async with open_runs(settings, mode, Telemetry(COMMAND), patience) as opened:
            keepers = [Keeper(run, agenda_times(settings), on_report) for run in opened.runs]
            watching = watch(opened.primary, keepers, settings.watch_interval_seconds)
            async with running(watching, *(keeper.run() for keeper in keepers)):
                await stopped.wait()


async def _is_over(stopped: asyncio.Event, seconds: float) -> bool:
    """Wait for so long, and return whether the end came before that."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopped.wait()
    return stopped.is_set()
