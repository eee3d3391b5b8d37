"""A big file through several connections at once."""

import asyncio
import contextlib
import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import FileIO
from itertools import pairwise
from pathlib import Path
from typing import Final

from horde_model_reference.downloads.checksums import feed
from horde_model_reference.downloads.disk_work import DiskFailed, long_on_disk, on_disk
from horde_model_reference.downloads.http_source import Answer, ConnectionBroken, HttpSource, SourceTrouble
from horde_model_reference.downloads.outcome import FileOrder

log = logging.getLogger(__name__)

SEGMENTED_SUFFIX: Final = ".spart"
MIN_FILE_BYTES: Final = 64 * 1024 * 1024
MIN_PIECE_BYTES: Final = 16 * 1024 * 1024
MAX_CONNECTIONS: Final = 8
_ATTEMPTS_OF_A_PIECE: Final = 3


@dataclass(slots=True)
class _Piece:
    """The bytes from `position` up to `end`, which is not part of it, are still missing."""

    position: int
    end: int


class SegmentedDownload:
    """Fills `<destination>.spart`, which is of no use to a later attempt, and is removed at the end."""

    def __init__(self, source: HttpSource, order: FileOrder, pause_seconds: float) -> None:
        self._source = source
        self._order = order
        self._pause_seconds = pause_seconds
        self.size = 0
        self._done = 0
        self.path = self.path_for(order.destination)

    @staticmethod
    def path_for(destination: Path) -> Path:
        """Return where a file grows while it is downloaded in this way."""
        return Path(f"{destination}{SEGMENTED_SUFFIX}")

    async def fill(self) -> str | None:
        """Return the hash of the whole file, None where it cannot be had in this way.

        Raises what the caller's progress function raises.
        """
        try:
            self.size = await self._probed()
            pieces = self._pieces()
            if not pieces:
                return None
            await on_disk(_reserve, self.path, self.size)
            await self._fill_all(pieces)
            return await long_on_disk(partial(_hashed_durably, self.path))
        except (SourceTrouble, DiskFailed) as trouble:
            log.info("%s: not through several connections: %s", self._source, trouble)
            return None

    async def remove(self) -> None:
        """Remove what this attempt, or an earlier one, has left."""
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self.path.unlink, missing_ok=True)

    async def _probed(self) -> int:
        async with self._source.opened(0, 0) as answer:
            return answer.total or 0 if answer.status == 206 and not answer.is_encoded else 0

    def _pieces(self) -> list[_Piece]:
        count = min(self._order.connections, MAX_CONNECTIONS, self.size // MIN_PIECE_BYTES)
        if self.size < MIN_FILE_BYTES or count < 2:
            return []
        borders = [self.size * number // count for number in range(count + 1)]
        return [_Piece(first, end) for first, end in pairwise(borders)]

    async def _fill_all(self, pieces: list[_Piece]) -> None:
        tasks = [asyncio.create_task(self._fill_piece(piece)) for piece in pieces]
        try:
            await asyncio.gather(*tasks)  # unlike a TaskGroup it raises the error itself
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _fill_piece(self, piece: _Piece) -> None:
        attempts_left = _ATTEMPTS_OF_A_PIECE
        while piece.position < piece.end:
            try:
                await self._continue(piece)
            except SourceTrouble as trouble:
                attempts_left -= 1
                if trouble.permanent or not attempts_left:
                    raise
                await asyncio.sleep(self._pause_seconds)

    async def _continue(self, piece: _Piece) -> None:
        async with self._source.opened(piece.position, piece.end - 1) as answer:
            if not self._fits(answer, piece):
                raise ConnectionBroken("it answers with another part of the file than asked for")
            while block := await answer.read_block():
                wanted = block[: piece.end - piece.position]
                await on_disk(_write, self.path, piece.position, wanted)
                piece.position += len(wanted)
                self._done += len(wanted)
                self._order.report(self._done, self.size)
        if piece.position < piece.end:
            raise ConnectionBroken(f"it ends {piece.end - piece.position} bytes before its end")

    def _fits(self, answer: Answer, piece: _Piece) -> bool:
        is_part = answer.status == 206 and not answer.is_encoded
        return is_part and answer.first == piece.position and answer.total == self.size


def _hashed_durably(path: Path, stop: Callable[[], bool]) -> str:
    digest = hashlib.sha256()
    with FileIO(path, "r+") as file:
        os.fsync(file.fileno())
        feed(digest, file, stop)
    return digest.hexdigest()


def _reserve(path: Path, size: int) -> None:
    with FileIO(path, "w") as file:
        file.truncate(size)


def _write(path: Path, position: int, block: bytes) -> None:
    with FileIO(path, "r+") as file:
        file.seek(position)
        view = memoryview(block)
        while view:
            view = view[file.write(view) :]
