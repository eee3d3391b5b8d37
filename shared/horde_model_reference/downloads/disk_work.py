"""Blocking work of a download, done in threads."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from threading import Event
from typing import Any, ParamSpec, TypeVar

from horde_model_reference.downloads.checksums import sha256_of

Given = ParamSpec("Given")
T = TypeVar("T")


class DiskFailed(Exception):
    """The disk refused: full, read-only, not allowed, or something in the way."""


async def in_thread(function: Callable[Given, T], *args: Given.args, **kwargs: Given.kwargs) -> T:
    """Do blocking work in a thread. Who is cancelled meanwhile goes only when the work has ended.

    So no file is closed or taken away under a thread that still writes to it.
    """
    return await _ended(asyncio.to_thread(function, *args, **kwargs), Event())


async def on_disk(function: Callable[Given, T], *args: Given.args, **kwargs: Given.kwargs) -> T:
    """Do file work in a thread. Raises `DiskFailed` for every `OSError`."""
    try:
        return await in_thread(function, *args, **kwargs)
    except OSError as error:
        raise DiskFailed(str(error)) from error


async def long_on_disk(function: Callable[[Callable[[], bool]], T]) -> T:
    """Do file work that asks now and then whether it shall stop, which it shall when the caller is cancelled.

    Raises `DiskFailed` for every `OSError`.
    """
    stop = Event()
    try:
        return await _ended(asyncio.to_thread(function, stop.is_set), stop)
    except OSError as error:
        raise DiskFailed(str(error)) from error


async def has_checksum(path: Path, sha256: str | None) -> bool:
    """Say whether there is a file, and it has this hash; None: any. Raises `DiskFailed`."""

    def checksum(stop: Callable[[], bool]) -> str:
        return sha256_of(path, stop=stop)

    if not await on_disk(path.is_file):
        return False
    return sha256 is None or await long_on_disk(checksum) == sha256


async def _ended(making: Coroutine[Any, Any, T], stop: Event) -> T:
    work = asyncio.create_task(making)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([work])
        if not work.cancelled():
            work.exception()  # looked at: it is nobody's any more
        raise
