"""Sync-workers as processes of their own that start within milliseconds, and can be killed at any moment."""

import asyncio
import multiprocessing
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from typing import Any

from sync_worker.command import run_once
from sync_worker.github.timing import GithubTiming
from sync_worker.opening import Mode, Patience
from sync_worker.primary import PrimaryTiming
from sync_worker.settings import SyncWorkerSettings

JOIN_SECONDS = 30.0
PRELOADED = ["pytest", "sync_worker.command"]
"""What takes long to import. It must be installed: the server of forks does not know this folder."""
HURRIED = PrimaryTiming(request_seconds=5.0, first_pause_seconds=0.001, max_pause_seconds=0.001)


def _run(variables: Mapping[str, Any]) -> None:
    patience = Patience(HURRIED, GithubTiming(first_pause_seconds=0.01, max_pause_seconds=0.01))
    reports = asyncio.run(run_once(SyncWorkerSettings.model_validate(variables), Mode(), patience=patience))
    if any(report.has_failed for report in reports):
        raise SystemExit(1)


def started_run(variables: Mapping[str, Any]) -> ForkServerProcess:
    """Start one run of a worker with this environment; its exit status is 0 when it succeeded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_run, args=(dict(variables),), daemon=True)
    process.start()
    return process


async def ended(process: ForkServerProcess) -> int | None:
    """Wait for the end of a process, and return its exit status: -9 for one that was killed."""
    await asyncio.to_thread(process.join, JOIN_SECONDS)
    return process.exitcode
