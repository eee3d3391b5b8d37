"""Keys for signatures, made for each test."""

from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.catalogue import CatalogueRef
from registry.draft import Draft, make_entry
from registry.entries import Entry, entry_hash, entry_key, render_entry
from registry.entry_signature import EntrySigner, signed
from registry.fold import fold
from registry.signatures import Signer
from registry.state import State
from service_kit.object_store import ObjectStore


def a_signer() -> Signer:
    return Signer(Ed25519PrivateKey.generate())


async def append_signed(store: ObjectStore, state: State, draft: Draft, signer: EntrySigner | None) -> State:
    """Append a draft by hand, signed or not, and return the state after it."""
    entry = made_entry(draft, state)
    raw = render_entry(signed(entry, signer) if signer else entry)
    await store.create(entry_key(entry.sequence), raw)
    return fold(state, entry, entry_hash(raw))


def made_entry(draft: Draft, state: State) -> Entry:
    """Return the entry that would follow a state."""
    return make_entry(
        draft,
        sequence=state.sequence + 1,
        previous=state.head_hash,
        entry_id=f"by hand {state.sequence + 1}",
        now=datetime.now(UTC),
    )


SOME_CATALOGUE = CatalogueRef(revision=1, categories={}, side_data="ab" * 32)
