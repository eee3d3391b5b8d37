"""Tensors in files on a server: only what is asked for is transferred, and nothing of it is kept."""

import asyncio
import contextlib
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Final

from horde_model_reference.components.errors import RangeNotSupportedError, UnsupportedContainerError
from horde_model_reference.components.safetensors_header import (
    LENGTH_BYTES,
    Tensor,
    hashed_before,
    header_length,
    parse_header,
)
from horde_model_reference.downloads.disk_work import in_thread
from horde_model_reference.downloads.http_source import (
    Answer,
    ConnectionBroken,
    HttpSource,
    SourceTrouble,
    open_session,
)
from horde_model_reference.downloads.outcome import DEFAULT_ATTEMPTS, Patience

ORDINARY_PATIENCE: Final = Patience()


class RemoteTensors:
    """A safetensors file at an address. Raises `ConnectionError` when it cannot be read from there."""

    def __init__(self, source: HttpSource, pause_seconds: float) -> None:
        self._source = source
        self._pause_seconds = pause_seconds
        self._total: int | None = None

    async def tensors(self) -> list[Tensor]:
        """Return the tensors of the file.

        Raises `UnsupportedContainerError`, and `RangeNotSupportedError`.
        """
        length = header_length(await self._read(0, LENGTH_BYTES))
        if self._total is None or length > self._total:
            raise UnsupportedContainerError("this is no safetensors file: its header would be longer than it")
        header = await self._read(LENGTH_BYTES, length)
        return await in_thread(parse_header, header, self._total)

    async def hash(self, tensors: Sequence[Tensor]) -> str:
        """Return the hash of tensors in the order given; one request for each run of neighbours."""
        hasher = TensorHasher(tensors)
        for begin, end in runs_of_neighbours(tensors):
            await self._transfer(begin, end, hasher.feed)
        return hasher.finish()

    async def _read(self, begin: int, size: int) -> bytes:
        blocks: list[bytes] = []
        await self._transfer(begin, begin + size, blocks.append)
        return b"".join(blocks)

    async def _transfer(self, begin: int, end: int, take: Callable[[bytes], None]) -> None:
        """Hand over the bytes up to `end`, which is not part of it, and go on where a connection breaks."""
        attempts_left = DEFAULT_ATTEMPTS
        while begin < end:
            try:
                async with self._source.opened(begin, end - 1) as answer:
                    self._check(answer, begin)
                    while block := await answer.read_block():
                        wanted = block[: end - begin]
                        begin += len(wanted)
                        await in_thread(take, wanted)
                if begin < end:
                    raise ConnectionBroken("the answer ends before its end")
            except SourceTrouble as trouble:
                attempts_left -= 1
                if trouble.permanent or not attempts_left:
                    raise ConnectionError(f"{self._source}: {trouble}") from trouble
                await asyncio.sleep(self._pause_seconds)

    def _check(self, answer: Answer, begin: int) -> None:
        if answer.status == 416:
            raise UnsupportedContainerError("the file ends before its tensors do")
        if answer.status != 206 or answer.is_encoded or answer.first != begin or answer.total is None:
            raise RangeNotSupportedError(f"{self._source} hands out whole files only")
        self._total = answer.total


class TensorHasher:
    """Hashes tensors whose bytes come one after another, in blocks of any size."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._digest = hashlib.sha256()
        self._waiting = deque(tensors)
        self._missing = 0

    def feed(self, block: bytes) -> None:
        """Hash a block."""
        view = memoryview(block)
        while view:
            while not self._missing:
                self._begin_next()
            piece = view[: self._missing]
            self._digest.update(piece)
            self._missing -= len(piece)
            view = view[len(piece) :]

    def finish(self) -> str:
        """Return the hash of all of them."""
        while self._waiting:
            self._begin_next()
        return self._digest.hexdigest()

    def _begin_next(self) -> None:
        tensor = self._waiting.popleft()
        self._digest.update(hashed_before(tensor))
        self._missing = tensor.size


@contextlib.asynccontextmanager
async def open_remote_tensors(
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    patience: Patience = ORDINARY_PATIENCE,
) -> AsyncIterator[RemoteTensors]:
    """Open a file on a server; all that is read of it is of one version."""
    async with open_session(patience.silence_seconds) as session:
        yield RemoteTensors(HttpSource(session, url, headers, pin=True), patience.pause_seconds)


def runs_of_neighbours(tensors: Sequence[Tensor]) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each run of tensors that lie one behind the other, in the order given."""
    begin = end = 0
    for tensor in tensors:
        if tensor.begin != end:
            if begin < end:
                yield begin, end
            begin = tensor.begin
        end = tensor.end
    if begin < end:
        yield begin, end
