"""One journal, several processes, some of which die."""

import asyncio
import sys
from pathlib import Path

from registry.blobs import Blobs
from registry.entries import entry_key
from registry.journal import Journal
from registry.state import State
from registry.verify import verify
from service_kit.file_object_store import open_file_store
from service_kit.s3_object_store import open_s3_store
from support.journals import next_revision
from support.reference_data import REPOSITORY
from support.servers import S3Server

Process = asyncio.subprocess.Process


async def start_writer(root: Path, count: int) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "support.journal_writer",
        str(root),
        str(count),
        cwd=REPOSITORY / "tests",
        stdout=asyncio.subprocess.PIPE,
    )


async def wrote_something(writer: Process) -> None:
    assert writer.stdout is not None
    async with asyncio.timeout(60):
        await writer.stdout.readline()


async def acknowledged(writer: Process) -> list[int]:
    assert writer.stdout is not None
    lines = (await writer.stdout.read()).split(b"\n")[:-1]  # a killed writer may leave half a line
    await writer.wait()
    return [int(line) for line in lines]


async def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [await start_writer(tmp_path, 10) for _ in range(4)]
    sequences = [sequence for writer in writers for sequence in await acknowledged(writer)]
    assert sorted(sequences) == list(range(1, 41))
    async with open_file_store(tmp_path) as store:
        assert (await Journal(store).catch_up(State())).revision == 40
        assert (await verify(store)).problems == []


async def test_killed_writers_leave_whole_entries_and_every_acknowledged_one(tmp_path: Path) -> None:
    writers = [await start_writer(tmp_path, 10_000) for _ in range(3)]
    await asyncio.gather(*(wrote_something(writer) for writer in writers))
    for writer in writers:
        writer.kill()
    sequences = [sequence for writer in writers for sequence in await acknowledged(writer)]
    async with open_file_store(tmp_path) as store:
        result = await verify(store)
        assert result.problems == []
        assert sequences
        assert max(sequences) <= result.entries <= max(sequences) + len(writers)
        assert len(sequences) == len(set(sequences))


async def test_writers_through_two_clients_of_one_bucket_lose_nothing(s3_server: S3Server) -> None:
    settings = s3_server.settings()
    async with open_s3_store(settings) as first, open_s3_store(settings) as second:
        await asyncio.gather(
            *(
                Journal(store).append(State(), next_revision(Blobs(store), f"{number}"))
                for number, store in enumerate((first, second, first))
            )
        )
        assert (await Journal(first).catch_up(State())).revision == 3
        assert await second.list_after("journal/") == [entry_key(number) for number in (1, 2, 3)]
        assert (await verify(second)).problems == []
