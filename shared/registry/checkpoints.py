"""Folded states kept beside the journal: a start need not replay years. Losing them costs only time.

A checkpoint is a line of JSON, `{"state_version","sequence","digest"}`, and after it the lines of the state
in zlib's format: a larger object would keep the event loop busy while it is sent. `digest` is the SHA-256 of
what follows the first line. Checkpoints are made and read in small steps.
"""

import asyncio
import contextlib
import gc
import hashlib
import io
import logging
import re
import zlib
from collections.abc import Iterator
from typing import Final

from pydantic import ValidationError

from horde_model_reference.garbage_pause import garbage_pause
from registry.catalogue import FrozenModel, Sha256
from registry.errors import JournalError
from registry.journal import Journal
from registry.state import State
from registry.state_parts import StateJoiner, split
from service_kit.errors import ObjectExists, ObjectMissing, ServiceError
from service_kit.object_store import ObjectStore

STATE_VERSION: Final = 3
"""Raised whenever the fold gives another state for the same journal; older checkpoints are then ignored."""

INTERVAL: Final = 256
KEPT: Final = 3

_MAX_HEADER_BYTES: Final = 1024
_COMPRESSION_LEVEL: Final = 1  # the fastest; the others save little
_UNPACKED_AT_ONCE_BYTES: Final = 16 * 1024
_VERSION: Final = re.compile(rb'\{"state_version":(\d{1,9})[,}]')  # how the header of every version begins

log = logging.getLogger(__name__)


class CheckpointHeader(FrozenModel):
    """The first line of a checkpoint."""

    state_version: int
    sequence: int
    digest: Sha256


class CheckpointUnusable(JournalError):
    """A checkpoint that is damaged, or not one of this journal."""


class CheckpointOutdated(CheckpointUnusable):
    """A checkpoint that another version of this software made."""


def checkpoint_key(sequence: int) -> str:
    """Return the key of the checkpoint at a sequence; keys sort like sequences."""
    return f"checkpoints/{sequence:012d}.json"


def state_digest(state: State) -> str:
    """Return the hash that the checkpoint of a state names. Blocks for up to a second."""
    digest = hashlib.sha256()
    for line in split(state):
        digest.update(line + b"\n")
    return digest.hexdigest()


async def render_checkpoint(state: State) -> bytes:
    """Return the bytes of the checkpoint of a state.

    Each line is a step in a thread. One long step would not do: a thread that releases the interpreter only
    for the moment of a hash gets it back before the event loop has woken up (measured: 50 ms of standstill).
    """
    lines = split(state)
    packer = zlib.compressobj(_COMPRESSION_LEVEL)
    digest = hashlib.sha256()
    body = io.BytesIO()
    body.write(_header_line(state.sequence, digest.hexdigest()))  # room for it; what it says comes last

    def step() -> bool:
        line = next(lines, None)
        packed = packer.flush() if line is None else packer.compress(line + b"\n")
        digest.update(packed)
        body.write(packed)
        return line is not None

    while await asyncio.to_thread(step):
        pass
    body.seek(0)
    body.write(_header_line(state.sequence, digest.hexdigest()))
    return body.getvalue()


async def parse_checkpoint(raw: bytes) -> State:
    """Return the state of a checkpoint, read step by step as `render_checkpoint` writes it.

    Raises `CheckpointOutdated`, and `CheckpointUnusable` when it is damaged.
    """
    version = _VERSION.match(raw)
    if version is not None and int(version[1]) != STATE_VERSION:
        raise CheckpointOutdated(f"it is of state version {int(version[1])}, not {STATE_VERSION}")
    start = raw.find(b"\n", 0, _MAX_HEADER_BYTES) + 1
    try:
        header = CheckpointHeader.model_validate_json(raw[:start])
        packed = memoryview(raw)[start:]
        if await asyncio.to_thread(_sha256, packed) != header.digest:
            raise CheckpointUnusable("its content does not have the hash that it names")
        state = await _joined(_lines(packed))
    except ValidationError as error:
        raise CheckpointUnusable(f"it is not a checkpoint: {error.errors()[0]['msg']}") from error
    except (ValueError, zlib.error) as error:
        raise CheckpointUnusable(f"it is not a checkpoint: {error}") from error
    if state.sequence != header.sequence:
        raise CheckpointUnusable("its state is of another sequence than it says")
    return state


class Checkpoints:
    """The checkpoints of one journal."""

    def __init__(self, store: ObjectStore, journal: Journal) -> None:
        self._store = store
        self._journal = journal

    async def newest(self) -> State:
        """Return the newest state that the journal confirms; the empty state when there is none.

        A checkpoint that cannot be read, is of another version, or whose hash is not that of its
        journal entry is passed over with a warning. Raises `StoreUnavailable`.
        """
        for key in reversed(await self.keys()):
            try:
                with _kept_for_good():
                    return await self.read(key)
            except (ObjectMissing, JournalError) as error:
                log.warning("%s is passed over: %s", key, error)
        return State()

    async def keep(self, state: State) -> None:
        """Write the state when its sequence is due, and remove old checkpoints. Failures are logged only."""
        if state.sequence == 0 or state.sequence % INTERVAL:
            return
        key = checkpoint_key(state.sequence)
        try:
            if key in await self.keys():
                return  # another instance kept the same state: spare the work
            await self._store.create(key, await render_checkpoint(state))
            for old in (await self.keys())[:-KEPT]:
                await self._store.delete(old)
        except ObjectExists:
            return
        except ServiceError:
            log.warning("checkpoint %d was not kept", state.sequence, exc_info=True)

    async def keys(self) -> list[str]:
        """Return the keys of all checkpoints, oldest first."""
        keys: list[str] = []
        while page := await self._store.list_after("checkpoints/", keys[-1] if keys else ""):
            keys += page
        return keys

    async def read(self, key: str) -> State:
        """Return the state under the key, if the journal confirms that it is one of its states.

        Raises `ObjectMissing`, `CheckpointUnusable`, `CheckpointOutdated`, `StoreUnavailable`.
        """
        state = await parse_checkpoint(await self._store.get(key))
        if key != checkpoint_key(state.sequence):
            raise CheckpointUnusable(f"it is the checkpoint of sequence {state.sequence}")
        try:
            _, digest = await self._journal.read(state.sequence)
        except (ObjectMissing, JournalError) as error:
            raise CheckpointUnusable(f"its journal entry cannot be read ({type(error).__name__})") from error
        if digest != state.head_hash:
            raise CheckpointUnusable("it does not belong to this journal")
        return state


def _header_line(sequence: int, digest: str) -> bytes:
    header = CheckpointHeader(state_version=STATE_VERSION, sequence=sequence, digest=digest)
    return header.model_dump_json().encode() + b"\n"


def _sha256(content: memoryview) -> str:
    return hashlib.sha256(content).hexdigest()


async def _joined(lines: Iterator[bytes]) -> State:
    joiner = StateJoiner()

    def step() -> bool:
        line = next(lines, None)
        if line is not None:
            joiner.add(line)
        return line is not None

    while await asyncio.to_thread(step):
        pass
    return joiner.state()


def _lines(packed: memoryview) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    rest = b""
    for start in range(0, len(packed), _UNPACKED_AT_ONCE_BYTES):
        piece = unpacker.decompress(packed[start : start + _UNPACKED_AT_ONCE_BYTES])
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    if rest or not unpacker.eof:
        raise ValueError("the end is missing")


@contextlib.contextmanager
def _kept_for_good() -> Iterator[None]:
    """Never look for garbage among what is made here: each look stops all threads.

    Measured: 0.2 s for 10,000 changes, several times while they are read, and then now and again.
    """
    with garbage_pause():
        yield
        gc.freeze()
