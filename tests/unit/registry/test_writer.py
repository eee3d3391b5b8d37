"""The state of a process that writes keeps checkpoints, at times only."""

from registry.checkpoints import INTERVAL, Checkpoints, checkpoint_key
from registry.journal import Journal
from registry.writer import Writer
from support.journals import a_draft, a_journal, always
from support.memory_store import MemoryObjectStore


def a_writer(store: MemoryObjectStore) -> Writer:
    journal = Journal(store)
    return Writer(journal, Checkpoints(store, journal))


async def test_a_checkpoint_is_kept_at_the_interval_and_nowhere_else() -> None:
    store = MemoryObjectStore()
    await a_journal(store, revisions=1)
    writer = a_writer(store)
    for _ in range(INTERVAL + 1):
        await writer.append(always(a_draft()))
    await writer.aclose()

    kept = [key for key in store.objects if key.startswith("checkpoints/")]
    assert kept == [checkpoint_key(INTERVAL)]


async def test_what_appended_nothing_keeps_no_checkpoint() -> None:
    store = MemoryObjectStore()
    journal, _, state = await a_journal(store, revisions=1)
    for _ in range(INTERVAL - 1):
        state = await journal.append(state, always(a_draft()))
    writer = a_writer(store)
    assert (await writer.append(always(None))).sequence == INTERVAL
    await writer.aclose()

    assert [key for key in store.objects if key.startswith("checkpoints/")] == []
