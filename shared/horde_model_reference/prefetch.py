"""When a manager loads what it serves (python-client.md section 2)."""

import logging
import sys
from collections.abc import Generator
from concurrent.futures import Future
from enum import StrEnum
from typing import Any, Protocol

log = logging.getLogger(__name__)


class PrefetchStrategy(StrEnum):
    """What happens when a manager is made.

    lazy and none: nothing, the first read loads. sync: everything is loaded before the constructor returns.
    deferred: a handle is made, for whoever wants to load. async: loading begins in the background if the
    caller has a running loop; there is a handle, too.
    """

    LAZY = "lazy"
    SYNC = "sync"
    DEFERRED = "deferred"
    ASYNC = "async"
    NONE = "none"


class Warmable(Protocol):
    """What a handle loads."""

    def ensure_ready(self, *, overwrite_existing: bool = False) -> None:
        """Load everything. Blocks."""

    async def ensure_ready_async(
        self, *, overwrite_existing: bool = False, httpx_client: object = None
    ) -> None:
        """Load everything without blocking the loop."""


class DeferredPrefetchHandle:
    """Loads everything when it is run or awaited, from any thread and any loop.

    A second run asks for nothing that is fresh, unless `force_refresh`.
    """

    def __init__(self, manager: Warmable, *, force_refresh: bool = False) -> None:
        self._manager = manager
        self._force_refresh = force_refresh

    @property
    def force_refresh(self) -> bool:
        """Whether each run loads everything anew."""
        return self._force_refresh

    def run_sync(self) -> None:
        """Load everything. Blocks."""
        self._manager.ensure_ready(overwrite_existing=self._force_refresh)

    async def run_async(self, *, httpx_client: object = None) -> None:  # noqa: ARG002 - given by the contract
        """Load everything without blocking the loop. `httpx_client` is not used."""
        await self._manager.ensure_ready_async(overwrite_existing=self._force_refresh)

    def __await__(self) -> Generator[Any, None, None]:
        """Do what `run_async` does."""
        return self.run_async().__await__()


def log_failure(prefetch: "Future[None]") -> None:
    """Log why loading in the background failed."""
    if not prefetch.cancelled() and (error := prefetch.exception()) is not None:
        log.error("loading in the background failed: %r", error)


def is_in_running_loop() -> bool:
    """Say whether the caller is inside an event loop of asyncio."""
    asyncio: Any = sys.modules.get("asyncio")  # not loaded: then there is no loop either
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
