"""Tensors in files on the disk, hashed and copied without holding them in memory."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Final

from horde_model_reference.components.errors import UnsupportedContainerError
from horde_model_reference.components.safetensors_header import (
    LENGTH_BYTES,
    Tensor,
    hashed_before,
    header_length,
    parse_header,
    render_header,
)
from horde_model_reference.files.whole import draft_beside, move_over

READ_BYTES: Final = 1024 * 1024


def read_tensors(file: FileIO) -> list[Tensor]:
    """Return the tensors of an open file. Raises `UnsupportedContainerError`."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = header_length(_read(file, LENGTH_BYTES))
    if length > size:
        raise UnsupportedContainerError("this is no safetensors file: its header would be longer than itself")
    return parse_header(_read(file, length), size)


def hash_tensors(
    file: FileIO, tensors: Sequence[Tensor], copy: Callable[[Tensor, int, memoryview], None] | None = None
) -> str:
    """Return the hash of tensors in the order given.

    Each piece of a tensor is also handed to `copy`, with the number of bytes of that tensor before it.
    """
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(hashed_before(tensor))
        done = 0
        for piece in _pieces(file, tensor):
            digest.update(piece)
            if copy is not None:
                copy(tensor, done, piece)
            done += len(piece)
    return digest.hexdigest()


def extract_tensors(file: FileIO, tensors: Sequence[Tensor], destination: Path) -> str:
    """Write a file of these tensors, whole or not at all, and return their hash."""
    header, placed = render_header(tensors)
    begins = {item.name: item.begin for item in placed}
    with _draft_of(destination) as draft:

        def copy(tensor: Tensor, done: int, piece: memoryview) -> None:
            draft.seek(begins[tensor.name] + done)
            _write_all(draft, piece)

        _write_all(draft, memoryview(header))
        return hash_tensors(file, tensors, copy)


@contextmanager
def _draft_of(destination: Path) -> Iterator[FileIO]:
    destination.parent.mkdir(parents=True, exist_ok=True)
    with draft_beside(destination) as path:
        with FileIO(path, "x") as draft:
            yield draft
            os.fsync(draft.fileno())
        move_over(path, destination)


def _pieces(file: FileIO, tensor: Tensor) -> Iterator[memoryview]:
    buffer = memoryview(bytearray(min(READ_BYTES, tensor.size)))
    position = file.seek(tensor.begin)
    while position < tensor.end:
        size = file.readinto(buffer[: tensor.end - position])
        if not size:
            raise UnsupportedContainerError(f"the file ends before its tensor {tensor.name!r} does")
        yield buffer[:size]
        position += size


def _read(file: FileIO, size: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < size and (piece := file.read(size - len(pieces))):
        pieces += piece
    return bytes(pieces)


def _write_all(file: FileIO, piece: memoryview) -> None:
    while piece:
        piece = piece[file.write(piece) :]
