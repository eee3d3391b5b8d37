"""Opens the journal for the commands that work on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from horde_model_reference.meta_consts import ReplicateMode
from registry.blobs import Blobs
from registry.checkpoints import Checkpoints
from registry.entry_signature import EntrySigner
from registry.journal import Journal
from registry.signatures import signer_of
from registry.state import State
from service_kit.object_store import ObjectStore
from service_kit.settings import ENV_PREFIX, SettingsInvalid
from service_kit.store_probe import probe
from service_kit.stores import open_object_store
from standalone.settings import StandaloneSettings


@dataclass(frozen=True, slots=True)
class JournalAccess:
    """A journal and what belongs to it."""

    store: ObjectStore
    journal: Journal
    blobs: Blobs
    checkpoints: Checkpoints

    async def head(self) -> State:
        """Return the newest state, after making sure that no entry is missing before it."""
        return await self.journal.require_whole(await self.checkpoints.newest())

    async def require_safe_store(self) -> None:
        """Raise `StoreUnsafe` when the store would let two writers win."""
        await probe(self.store)


def access_to(store: ObjectStore, signer: EntrySigner | None = None) -> JournalAccess:
    """Return the journal in a store; with a signer, what is appended to it is signed."""
    journal = Journal(store, signer=signer)
    return JournalAccess(store, journal, Blobs(store), Checkpoints(store, journal))


@contextlib.asynccontextmanager
async def open_journal(
    settings: StandaloneSettings, *, read_only: bool = False
) -> AsyncIterator[JournalAccess]:
    """Yield the journal that the settings name. Raises `SettingsInvalid` for a replica, which has none."""
    if settings.replicate_mode is not ReplicateMode.PRIMARY:
        raise SettingsInvalid(f"{ENV_PREFIX}REPLICATE_MODE: only a PRIMARY has a journal")
    async with open_object_store(settings.data_dir, settings.s3, read_only=read_only) as store:
        signer = None if read_only else await asyncio.to_thread(signer_of, settings.signing.key_file)
        yield access_to(store, signer)
