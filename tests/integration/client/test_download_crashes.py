"""Downloads that are killed, cancelled, stopped by their caller, or made twice at once."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from horde_model_reference.download_engine import download_file, download_file_async
from horde_model_reference.downloads.outcome import FileOrder, Patience
from horde_model_reference.downloads.part_file import PartFile
from support.downloads import fetched, names_in, quick_downloader
from support.file_hosts import FileHost, a_body, file_host, sha256, until_size

MIB = 1024 * 1024
BODY = a_body(24 * MIB)
BODY_HASH = sha256(BODY)


class DownloadAborted(Exception):
    """What callers raise by convention."""


class CallerTimeout(TimeoutError):
    """What the network raises, too."""


def stalling(host: FileHost, size: int, release: asyncio.Event) -> None:
    """Make the next answer stop after so many bytes of its own until it is released."""

    async def stall(request: web.Request) -> web.StreamResponse:
        status, headers, part = host.part(request, BODY)
        response = web.StreamResponse(status=status, headers=headers)
        response.content_length = len(part)
        await response.prepare(request)
        await response.write(part[:size])
        await release.wait()
        with contextlib.suppress(ConnectionError):
            await response.write(part[size:])
        return response

    host.troubles.append(stall)


@contextlib.asynccontextmanager
async def program(code: str, *arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """Yield a running Python program; it is killed in the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *map(str, arguments), stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


DOWNLOADING = """
import sys
from horde_model_reference.download_engine import download_file
outcome = download_file(sys.argv[1], sys.argv[2], expected_sha256=sys.argv[3])
print(outcome.success)
"""


async def test_a_killed_download_is_resumed_however_often_it_is_killed(tmp_path: Path) -> None:
    destination = tmp_path / "f.bin"
    part = tmp_path / "f.bin.part"
    sizes = [0]
    release = asyncio.Event()
    async with file_host() as host:
        url = host.put(BODY)
        for _ in range(3):
            stalling(host, 5 * MIB, release)
            async with program(DOWNLOADING, url, destination, BODY_HASH) as process:
                await until_size(part, sizes[-1] + 4 * MIB)
                process.send_signal(signal.SIGKILL)
                await process.wait()
                sizes.append(part.stat().st_size)
            assert not destination.exists()
        release.set()
        outcome = await asyncio.to_thread(download_file, url, destination, expected_sha256=BODY_HASH)
    assert (outcome.success, destination.read_bytes() == BODY) == (True, True)
    assert host.ranges == [None, *(f"bytes={size}-" for size in sizes[1:])]
    assert names_in(tmp_path) == ["f.bin", "f.sha256"]


async def test_an_interrupted_program_ends_and_leaves_its_part(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with file_host() as host:
        stalling(host, 5 * MIB, release)
        async with program(
            "import sys\n"
            "from horde_model_reference.download_engine import download_file\n"
            "try:\n    download_file(sys.argv[1], sys.argv[2])\n"
            "except KeyboardInterrupt:\n    print('interrupted')\n",
            host.put(BODY),
            tmp_path / "f",
        ) as process:
            await until_size(tmp_path / "f.part", 4 * MIB)
            process.send_signal(signal.SIGINT)
            output, _ = await process.communicate()
        release.set()
    assert (process.returncode, output) == (0, b"interrupted\n")
    assert names_in(tmp_path) == ["f.part"]


async def test_a_blocking_call_works_where_a_loop_runs(tmp_path: Path) -> None:
    code = """
import asyncio, sys
from horde_model_reference.download_engine import download_file

async def main():
    seen = []
    outcome = download_file(
        sys.argv[1],
        sys.argv[2],
        expected_sha256=sys.argv[3],
        progress_callback=lambda *both: seen.append(both),
    )
    print(outcome.success, seen[-1][0] == seen[-1][1])
    try:
        download_file(sys.argv[1], sys.argv[2] + "2", progress_callback=lambda *both: 1 / 0)
    except ZeroDivisionError:
        print("raised")

asyncio.run(main())
"""
    async with file_host() as host, program(code, host.put(BODY), tmp_path / "f", BODY_HASH) as process:
        output, _ = await process.communicate()
    assert output == b"True True\nraised\n"
    assert names_in(tmp_path) == ["f", "f.sha256", "f2.part"]


async def test_a_blocking_call_leaves_the_loop_of_its_thread_alone(tmp_path: Path) -> None:
    code = """
import asyncio, sys
from horde_model_reference.download_engine import download_file
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
print(download_file(sys.argv[1], sys.argv[2]).success)
print(asyncio.get_event_loop() is loop, loop.run_until_complete(asyncio.sleep(0, 7)))
loop.close()
"""
    async with file_host() as host, program(code, host.put(BODY), tmp_path / "f") as process:
        output, _ = await process.communicate()
    assert output == b"True\nTrue 7\n"


@pytest.mark.parametrize(
    "error", [DownloadAborted("enough"), OSError("mine"), CallerTimeout("mine"), SystemExit(3)]
)
async def test_what_the_caller_raises_comes_out_as_it_is(error: BaseException, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise error

    async with file_host() as host:
        with pytest.raises(type(error)) as raised:
            await asyncio.to_thread(download_file, host.put(BODY), tmp_path / "f", progress_callback=stop)
    assert raised.value is error
    assert names_in(tmp_path) == ["f.part"]
    assert len(host.seen) == 1


async def test_what_the_caller_raises_comes_out_of_the_twin(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise DownloadAborted(f"{done} of {total}")

    async with file_host() as host:
        url = host.put(BODY)
        with pytest.raises(DownloadAborted):
            await download_file_async(url, tmp_path / "f", progress_callback=stop)
        done = (tmp_path / "f.part").stat().st_size
        outcome = await download_file_async(url, tmp_path / "f", expected_sha256=BODY_HASH)
    assert outcome.success
    assert host.ranges == [None, f"bytes={done}-"]


async def test_a_cancelled_download_leaves_its_part_and_nobody_holds_it(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with file_host() as host:
        stalling(host, 5 * MIB, release)
        url = host.put(BODY)
        work = asyncio.create_task(download_file_async(url, tmp_path / "f"))
        await until_size(tmp_path / "f.part", 4 * MIB)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        size = (tmp_path / "f.part").stat().st_size
        release.set()
        assert (await download_file_async(url, tmp_path / "f", expected_sha256=BODY_HASH)).success
    assert host.ranges == [None, f"bytes={size}-"]


async def test_two_downloads_of_one_file_are_made_one_after_the_other(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with file_host() as host:
        stalling(host, 5 * MIB, release)
        url = host.put(BODY)
        first = asyncio.create_task(fetched(url, tmp_path / "f", expected_sha256=BODY_HASH))
        await until_size(tmp_path / "f.part", 4 * MIB)
        async with program(DOWNLOADING, url, tmp_path / "f", BODY_HASH) as process:
            second = asyncio.create_task(fetched(url, tmp_path / "f", expected_sha256=BODY_HASH))
            await asyncio.sleep(0.1)
            release.set()
            outcomes = [await first, await second]
            output, _ = await process.communicate()
    assert [outcome.success for outcome in outcomes] == [True, True]
    assert [outcome.sha256 for outcome in outcomes] == [BODY_HASH, BODY_HASH]
    assert output == b"True\n"
    assert (tmp_path / "f").read_bytes() == BODY
    assert names_in(tmp_path) == ["f", "f.sha256"]


async def test_who_waited_for_the_same_file_makes_no_request(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with file_host() as host:
        stalling(host, 5 * MIB, release)
        url = host.put(BODY)
        first = asyncio.create_task(fetched(url, tmp_path / "f", expected_sha256=BODY_HASH))
        await until_size(tmp_path / "f.part", 4 * MIB)
        second = asyncio.create_task(fetched(url, tmp_path / "f", expected_sha256=BODY_HASH))
        await asyncio.sleep(0.05)
        release.set()
        assert (await first).success
        assert (await second).success
    assert len(host.seen) == 1


async def test_a_download_that_does_not_go_on_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    other = PartFile(tmp_path / "f")
    await asyncio.to_thread(other.try_open)
    try:
        patience = Patience(look_again_seconds=0.01, other_download_seconds=0.05)
        async with file_host() as host:
            outcome = await fetched(host.put(BODY), tmp_path / "f", patience=patience)
        assert (outcome.success, host.seen) == (False, [])
    finally:
        await asyncio.to_thread(other.close)


async def test_a_part_that_is_removed_meanwhile_is_a_failure_and_not_a_broken_file(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with file_host() as host:
        stalling(host, 5 * MIB, release)
        work = asyncio.create_task(fetched(host.put(BODY), tmp_path / "f"))
        await until_size(tmp_path / "f.part", 4 * MIB)
        (tmp_path / "f.part").unlink()
        release.set()
        outcome = await work
    assert (outcome.success, outcome.sha256) == (False, None)
    assert names_in(tmp_path) == []


async def test_one_downloader_downloads_several_files_at_once(tmp_path: Path) -> None:
    async with file_host() as host, quick_downloader() as downloader:
        bodies = [a_body(1000 + number) for number in range(20)]
        orders = [
            FileOrder(host.put(body, f"/{number}"), tmp_path / str(number), expected_sha256=sha256(body))
            for number, body in enumerate(bodies)
        ]
        outcomes = await asyncio.gather(*(downloader.fetch(order) for order in orders))
    assert all(outcome.success for outcome in outcomes)
