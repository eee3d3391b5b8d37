"""A file through one connection, resumed where it broke off."""

import asyncio
import logging
from typing import Final

from horde_model_reference.downloads.disk_work import on_disk
from horde_model_reference.downloads.http_source import (
    Answer,
    AnswerRefused,
    ConnectionBroken,
    HttpSource,
    SourceTrouble,
)
from horde_model_reference.downloads.outcome import FileOrder
from horde_model_reference.downloads.part_file import PartFile

log = logging.getLogger(__name__)

_REQUESTS_OF_AN_ATTEMPT: Final = 2
"""The second one is made when the first shows that what there is cannot be resumed."""


class SingleStream:
    """Fills a part file. `attempts_left` counts down over all calls of `fill`."""

    def __init__(self, source: HttpSource, part: PartFile, order: FileOrder, pause_seconds: float) -> None:
        self._source = source
        self._part = part
        self._order = order
        self._pause_seconds = pause_seconds
        self.attempts_left = max(1, order.max_attempts)

    async def fill(self) -> bool:
        """Return whether the part file holds the whole file now. What there is of it is kept.

        Raises `DiskFailed`, and what the caller's progress function raises.
        """
        while self.attempts_left > 0:
            self.attempts_left -= 1
            try:
                await self._attempt()
            except SourceTrouble as trouble:
                log.warning("%s: %s (%d more attempts)", self._source, trouble, self._attempts_after(trouble))
                if not self._attempts_after(trouble):
                    return False
                await asyncio.sleep(self._pause_seconds)
            else:
                return True
        return False

    def _attempts_after(self, trouble: SourceTrouble) -> int:
        return 0 if trouble.permanent else self.attempts_left

    async def _attempt(self) -> None:
        for _ in range(_REQUESTS_OF_AN_ATTEMPT):
            async with self._source.opened(self._part.size) as answer:
                if await self._taken(answer):
                    return
            await on_disk(self._part.restart)
        raise ConnectionBroken("it answers with another part of the file than asked for")

    async def _taken(self, answer: Answer) -> bool:
        """Append the answer; return False when it does not continue what there is."""
        size = self._part.size
        if answer.status == 416:
            if not size:
                raise AnswerRefused(answer.status)
            return answer.total == size
        if answer.status == 206:
            if answer.first != size or answer.is_encoded:
                return False
        elif size:
            await on_disk(self._part.restart)
        await self._append(answer)
        return True

    async def _append(self, answer: Answer) -> None:
        while block := await answer.read_block():
            await on_disk(self._part.append, block)
            self._order.report(self._part.size, answer.total or 0)
        if answer.total is not None and self._part.size != answer.total:
            raise ConnectionBroken(f"it ends after {self._part.size} of {answer.total} bytes")
