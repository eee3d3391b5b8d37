import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from horde_model_reference.download_engine import download_file
from horde_model_reference.downloads.outcome import FileOrder
from support.downloads import QUICK, fetched, names_in, quick_downloader
from support.file_hosts import FileHost, a_body, file_host, refusing, sha256

MIB = 1024 * 1024
BIG = a_body(64 * MIB + 1)
BIG_HASH = sha256(BIG)


def pieces(host: FileHost) -> list[tuple[int, int]]:
    """Return first and last byte of each part asked for, in order, without the probe."""
    texts = [text.removeprefix("bytes=") for text in host.ranges if text is not None]
    return sorted(
        (int(first), int(last)) for first, last in (text.split("-") for text in texts) if last != "0"
    )


async def test_a_big_file_comes_in_pieces(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    async with file_host() as host:
        outcome = await asyncio.to_thread(
            download_file,
            host.put(BIG),
            tmp_path / "f.bin",
            expected_sha256=BIG_HASH,
            connections=99,
            progress_callback=lambda *both: seen.append(both),
        )
    assert (outcome.success, outcome.bytes_written, outcome.sha256) == (True, len(BIG), BIG_HASH)
    assert host.ranges[0] == "bytes=0-0"
    found = pieces(host)
    assert [first for first, _ in found] == [0, *(last + 1 for _, last in found[:-1])]
    assert (len(found), found[-1][1]) == (4, len(BIG) - 1)
    assert (sorted(seen), seen[-1]) == (seen, (len(BIG), len(BIG)))
    assert names_in(tmp_path) == ["f.bin", "f.sha256"]


async def test_two_connections_are_two_pieces(tmp_path: Path) -> None:
    async with file_host() as host:
        outcome = await fetched(host.put(BIG), tmp_path / "f", connections=2)
    assert (outcome.sha256, len(pieces(host))) == (BIG_HASH, 2)


async def test_a_smaller_file_comes_through_one_connection(tmp_path: Path) -> None:
    body = a_body(1000)
    async with file_host() as host:
        outcome = await fetched(host.put(body), tmp_path / "f", connections=4)
    assert (outcome.sha256, host.ranges) == (sha256(body), ["bytes=0-0", None])


async def test_a_server_without_ranges_is_asked_for_the_whole(tmp_path: Path) -> None:
    async with file_host() as host:
        host.with_ranges = False
        outcome = await fetched(host.put(BIG), tmp_path / "f", connections=4)
    assert (outcome.sha256, host.ranges) == (BIG_HASH, ["bytes=0-0", None])


async def test_a_piece_that_breaks_off_goes_on_where_it_ended(tmp_path: Path) -> None:
    async with file_host() as host:
        host.troubles.extend([None, None, host.cutting(9 * MIB)])
        outcome = await fetched(host.put(BIG), tmp_path / "f", connections=4)
    assert (outcome.sha256, None in host.ranges, len(pieces(host))) == (BIG_HASH, False, 5)


@pytest.mark.parametrize("status", [404, 500])
async def test_what_goes_wrong_for_good_falls_back_to_one_connection(status: int, tmp_path: Path) -> None:
    async with file_host() as host:

        async def refuse_third(request: web.Request) -> web.StreamResponse:
            is_third = request.headers.get("Range", "").startswith(f"bytes={len(BIG) * 2 // 4}-")
            return await (refusing(status) if is_third else host.send)(request)

        host.upstream.answer = refuse_third
        outcome = await fetched(host.put(BIG), tmp_path / "f.bin", expected_sha256=BIG_HASH, connections=4)
    assert (outcome.success, host.ranges[-1]) == (True, None)
    assert names_in(tmp_path) == ["f.bin", "f.sha256"]


async def test_a_file_that_changes_between_the_pieces_falls_back(tmp_path: Path) -> None:
    other = a_body(len(BIG), b"other")
    async with file_host() as host:
        host.etags["/file"] = '"1"'

        async def change(request: web.Request) -> web.StreamResponse:
            host.etags["/file"] = '"2"'
            host.put(other)
            return await host.send(request)

        host.troubles.extend([None, None, change])
        outcome = await fetched(host.put(BIG), tmp_path / "f", connections=4)
    assert outcome.sha256 == sha256(other)


async def test_the_wrong_hash_is_a_failure_and_the_file_stays(tmp_path: Path) -> None:
    async with file_host() as host:
        outcome = await fetched(host.put(BIG), tmp_path / "f", expected_sha256="0" * 64, connections=4)
    assert (outcome.success, outcome.sha256, (tmp_path / "f").is_file()) == (False, BIG_HASH, True)


async def test_what_the_caller_raises_comes_out_and_nothing_stays(tmp_path: Path) -> None:
    def abort(done: int, total: int) -> None:
        raise InterruptedError(f"{done <= total}")

    async with file_host() as host:
        with pytest.raises(InterruptedError, match="True"):
            await fetched(host.put(BIG), tmp_path / "f", connections=4, progress=abort)
    assert names_in(tmp_path) == []


async def test_a_cancelled_download_leaves_nothing(tmp_path: Path) -> None:
    begun = asyncio.Event()
    async with file_host() as host, quick_downloader(QUICK) as downloader:
        order = FileOrder(host.put(BIG), tmp_path / "f", connections=4, progress=lambda *_: begun.set())
        work = asyncio.create_task(downloader.fetch(order))
        await begun.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    assert names_in(tmp_path) == []


async def test_much_that_lies_there_is_resumed_and_little_is_not(tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(BIG[: 64 * MIB])
    (tmp_path / "g.part").write_bytes(BIG[:MIB])
    async with file_host() as host:
        url = host.put(BIG)
        for name in ("f", "g"):
            outcome = await fetched(url, tmp_path / name, expected_sha256=BIG_HASH, connections=4)
            assert outcome.success
    assert host.ranges[:2] == [f"bytes={64 * MIB}-", "bytes=0-0"]
    assert names_in(tmp_path) == ["f", "f.sha256", "g", "g.sha256"]


async def test_what_an_earlier_attempt_left_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "f.spart").write_bytes(b"x" * (65 * MIB))
    async with file_host() as host:
        outcome = await fetched(host.put(BIG), tmp_path / "f", connections=4)
    assert outcome.sha256 == BIG_HASH
    assert names_in(tmp_path) == ["f", "f.sha256"]
