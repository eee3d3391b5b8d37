"""Tells listeners that a category changed: one category after another, beside the loop."""

import asyncio
from collections.abc import Callable


class Telling:
    """Calls `tell(category)` in one thread at a time.

    Listeners may block, and read: were they called in many threads at once, none would be left for the
    reading. What changes again before its turn is told once.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._waiting: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, category: str) -> None:
        """Have the listeners told soon."""
        self._waiting[category] = None
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._tell_all())

    async def stop(self) -> None:
        """Tell nobody any more. Who is being told may go on, but is not waited for."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _tell_all(self) -> None:
        while self._waiting:
            category = next(iter(self._waiting))
            del self._waiting[category]
            await asyncio.to_thread(self._tell, category)
