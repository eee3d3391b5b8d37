"""Folded states kept beside the journal: a start need not replay years. Losing them costs only time."""

import asyncio
import hashlib
import logging
from typing import Final

from pydantic import ValidationError

from registry.catalogue import FrozenModel
from registry.errors import JournalError
from registry.journal import Journal
from registry.state import State
from service_kit.errors import ObjectExists, ObjectMissing, ServiceError
from service_kit.object_store import ObjectStore

STATE_VERSION: Final = 1
"""Raised whenever the fold gives another state for the same journal; older checkpoints are then ignored."""

INTERVAL: Final = 256
KEPT: Final = 3

log = logging.getLogger(__name__)


class Checkpoint(FrozenModel):
    """A state, the version of the fold that made it, and the hash that shows damage."""

    state_version: int
    digest: str
    state: State


def make_checkpoint(state: State) -> Checkpoint:
    """Return the checkpoint of a state."""
    return Checkpoint(state_version=STATE_VERSION, digest=state_digest(state), state=state)


def state_digest(state: State) -> str:
    """Return the hash of a state."""
    return hashlib.sha256(state.model_dump_json().encode()).hexdigest()


def checkpoint_key(sequence: int) -> str:
    """Return the key of the checkpoint at a sequence."""
    return f"checkpoints/{sequence:012d}.json"


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
            state = await self.usable(key)
            if state is not None:
                return state
        return State()

    async def keep(self, state: State) -> None:
        """Write the state when its sequence is due, and remove old checkpoints. Failures are logged only."""
        if state.sequence == 0 or state.sequence % INTERVAL:
            return
        body = make_checkpoint(state).model_dump_json().encode()
        try:
            await self._store.create(checkpoint_key(state.sequence), body)
            for key in (await self.keys())[:-KEPT]:
                await self._store.delete(key)
        except ObjectExists:
            return  # another instance kept the same state
        except ServiceError:
            log.warning("checkpoint %d was not kept", state.sequence, exc_info=True)

    async def keys(self) -> list[str]:
        """Return the keys of all checkpoints, oldest first."""
        keys: list[str] = []
        while page := await self._store.list_after("checkpoints/", keys[-1] if keys else ""):
            keys += page
        return keys

    async def usable(self, key: str) -> State | None:
        """Return the state under the key if the journal confirms it, else None after a warning."""
        try:
            raw = await self._store.get(key)
            checkpoint = await asyncio.to_thread(Checkpoint.model_validate_json, raw)
            state = checkpoint.state
            if checkpoint.state_version != STATE_VERSION:
                log.warning("%s is of state version %d: passed over", key, checkpoint.state_version)
                return None
            _, digest = await self._journal.read(state.sequence)
        except (ObjectMissing, ValidationError, JournalError) as error:
            log.warning("%s is not usable (%s): passed over", key, type(error).__name__)
            return None
        belongs = digest == state.head_hash and key == checkpoint_key(state.sequence)
        if not belongs or checkpoint.digest != state_digest(state):
            log.warning("%s does not belong to this journal: passed over", key)
            return None
        return state
