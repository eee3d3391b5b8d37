"""A process that appends to the journal in a directory: `python -m support.journal_writer DIR COUNT`."""

import asyncio
import contextlib
import sys
from pathlib import Path

from registry.blobs import Blobs
from registry.errors import JournalContended
from registry.journal import Journal
from registry.state import State
from service_kit.file_object_store import open_file_store
from support.journals import next_revision


async def write(root: Path, count: int) -> None:
    async with open_file_store(root) as store:
        journal, blobs, state = Journal(store), Blobs(store), State()
        for _ in range(count):
            appended = False
            while not appended:  # writers without a pause can starve one of them
                with contextlib.suppress(JournalContended):
                    state = await journal.append(state, next_revision(blobs))
                    appended = True
            sys.stdout.write(f"{state.sequence}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
