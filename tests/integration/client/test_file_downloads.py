import asyncio
import logging
from pathlib import Path

import pytest
from aiohttp import web

from horde_model_reference.download_engine import (
    DownloadOutcome,
    download_file,
    download_file_async,
    sha256_of,
)
from horde_model_reference.downloads.outcome import Patience
from support.downloads import fetched, names_in
from support.fault_proxy import FaultProxy
from support.file_hosts import a_body, file_host, refusing, sha256
from support.processes import free_port
from support.upstreams import upstreams

BODY = a_body(300_000)


async def test_a_file_arrives_whole_with_its_checksum_beside_it(tmp_path: Path) -> None:
    destination = tmp_path / "new" / "deep" / "model.safetensors"
    seen: list[tuple[int, int]] = []
    async with file_host() as host:
        outcome = await asyncio.to_thread(
            download_file,
            host.put(BODY),
            str(destination),
            expected_sha256=sha256(BODY).upper(),
            progress_callback=lambda done, total: seen.append((done, total)),
        )
    assert outcome == DownloadOutcome(True, destination, len(BODY), sha256(BODY))
    assert destination.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    assert names_in(destination.parent) == ["model.safetensors", "model.sha256"]
    assert destination.with_suffix(".sha256").read_text().startswith(f"{sha256(BODY)} *model.safetensors\n")


async def test_the_twin_does_the_same_on_the_loop_of_the_caller(tmp_path: Path) -> None:
    async with file_host() as host:
        outcome = await download_file_async(host.put(BODY), tmp_path / "f", expected_sha256=sha256(BODY))
    assert outcome == DownloadOutcome(True, tmp_path / "f", len(BODY), sha256(BODY))


@pytest.mark.parametrize("expected", [None, "FIXME", ""])
async def test_with_an_unknown_hash_every_file_is_right(expected: str | None, tmp_path: Path) -> None:
    async with file_host() as host:
        outcome = await fetched(host.put(BODY), tmp_path / "f", expected_sha256=expected)
    assert (outcome.success, outcome.sha256) == (True, sha256(BODY))


async def test_a_file_with_the_wrong_hash_is_a_failure_and_stays(tmp_path: Path) -> None:
    async with file_host() as host:
        outcome = await fetched(host.put(BODY), tmp_path / "f.bin", expected_sha256="0" * 64)
    assert outcome == DownloadOutcome(False, tmp_path / "f.bin", len(BODY), sha256(BODY))
    assert names_in(tmp_path) == ["f.bin", "f.sha256"]
    assert await asyncio.to_thread(sha256_of, tmp_path / "f.bin") == sha256(BODY)
    assert len(host.seen) == 1


async def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    async with file_host() as host:
        outcome = await fetched(host.put(b""), tmp_path / "f.bin", expected_sha256=sha256(b""))
    assert (outcome.success, outcome.bytes_written) == (True, 0)
    assert names_in(tmp_path) == ["f.bin", "f.sha256"]


async def test_a_part_is_resumed(tmp_path: Path) -> None:
    (tmp_path / "f.bin.part").write_bytes(BODY[:70_000])
    seen: list[tuple[int, int]] = []
    async with file_host() as host:
        outcome = await fetched(
            host.put(BODY),
            tmp_path / "f.bin",
            expected_sha256=sha256(BODY),
            progress=lambda done, total: seen.append((done, total)),
        )
    assert outcome == DownloadOutcome(True, tmp_path / "f.bin", len(BODY), sha256(BODY))
    assert host.ranges == ["bytes=70000-"]
    assert seen[0][0] > 70_000
    assert seen[-1] == (len(BODY), len(BODY))
    assert names_in(tmp_path) == ["f.bin", "f.sha256"]


async def test_a_part_of_another_file_is_thrown_away_in_the_end(tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(b"\0" * 1000)
    async with file_host() as host:
        outcome = await fetched(host.put(BODY), tmp_path / "f", expected_sha256=sha256(BODY))
    assert (outcome.success, (tmp_path / "f").read_bytes() == BODY) == (True, True)
    assert host.ranges == ["bytes=1000-", None]


async def test_the_attempts_are_counted_through_when_a_part_was_wrong(tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(b"\0" * 1000)
    async with file_host() as host:
        outcome = await fetched(host.put(BODY), tmp_path / "f", expected_sha256=sha256(BODY), max_attempts=1)
    assert (outcome.success, outcome.sha256 is None, len(host.seen)) == (False, False, 1)


async def test_a_server_without_ranges_sends_everything_again(tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(BODY[:1000])
    async with file_host() as host:
        host.with_ranges = False
        outcome = await fetched(host.put(BODY), tmp_path / "f", expected_sha256=sha256(BODY))
    assert (outcome.success, (tmp_path / "f").read_bytes() == BODY) == (True, True)
    assert host.ranges == ["bytes=1000-"]


async def test_a_part_that_is_whole_already_costs_one_refused_request(tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(BODY)
    async with file_host() as host:
        outcome = await fetched(host.put(BODY), tmp_path / "f", expected_sha256=sha256(BODY))
    assert outcome == DownloadOutcome(True, tmp_path / "f", len(BODY), sha256(BODY))
    assert host.ranges == [f"bytes={len(BODY)}-"]


async def test_a_part_that_is_too_long_is_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "f.part").write_bytes(BODY + b"more")
    async with file_host() as host:
        outcome = await fetched(host.put(BODY), tmp_path / "f", max_attempts=1)
    assert (outcome.success, (tmp_path / "f").read_bytes() == BODY) == (True, True)
    assert host.ranges == [f"bytes={len(BODY) + 4}-", None]


async def test_an_answer_with_another_part_is_not_appended(tmp_path: Path) -> None:
    async def shifted(_: web.Request) -> web.StreamResponse:
        return web.Response(
            status=206, body=BODY[10:], headers={"Content-Range": f"bytes 10-299999/{len(BODY)}"}
        )

    (tmp_path / "f.part").write_bytes(BODY[:1000])
    async with file_host() as host:
        host.troubles.append(shifted)
        outcome = await fetched(host.put(BODY), tmp_path / "f")
    assert (outcome.success, (tmp_path / "f").read_bytes() == BODY) == (True, True)
    assert host.ranges == ["bytes=1000-", None]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_final_refusal_costs_one_request(status: int, tmp_path: Path) -> None:
    async with file_host() as host:
        host.troubles.extend([refusing(status)] * 9)
        outcome = await fetched(host.put(BODY), tmp_path / "f")
    assert outcome == DownloadOutcome(False, tmp_path / "f", 0)
    assert (len(host.seen), names_in(tmp_path)) == (1, [])


@pytest.mark.parametrize("status", [500, 503, 429, 400, 204])
async def test_another_refusal_is_tried_again(status: int, tmp_path: Path) -> None:
    async with file_host() as host:
        host.troubles.extend([refusing(status)] * 2)
        outcome = await fetched(host.put(BODY), tmp_path / "f", max_attempts=3)
    assert (outcome.success, len(host.seen)) == (True, 3)


async def test_the_attempts_end(tmp_path: Path) -> None:
    async with file_host() as host:
        host.troubles.extend([refusing(500)] * 9)
        outcome = await fetched(host.put(BODY), tmp_path / "f", max_attempts=4)
    assert (outcome.success, outcome.sha256, len(host.seen)) == (False, None, 4)


@pytest.mark.parametrize("attempts", [0, -1])
async def test_there_is_always_a_first_attempt(attempts: int, tmp_path: Path) -> None:
    async with file_host() as host:
        host.troubles.append(refusing(500))
        outcome = await fetched(host.put(BODY), tmp_path / "f", max_attempts=attempts)
    assert (outcome.success, len(host.seen)) == (False, 1)


async def test_a_connection_that_ends_early_is_resumed_where_it_ended(tmp_path: Path) -> None:
    async with file_host() as host:
        host.troubles.extend([host.cutting(100_000), host.cutting(50_000)])
        outcome = await fetched(host.put(BODY), tmp_path / "f", expected_sha256=sha256(BODY))
    assert (outcome.success, outcome.bytes_written) == (True, len(BODY))
    assert (tmp_path / "f").read_bytes() == BODY
    starts = [int((text or "bytes=0-").removeprefix("bytes=").rstrip("-")) for text in host.ranges]
    assert len(starts) == 3
    assert 0 == starts[0] < starts[1] <= 100_000
    assert starts[1] <= starts[2] <= starts[1] + 50_000


async def test_connections_that_are_reset_are_resumed(tmp_path: Path) -> None:
    async with file_host() as host, FaultProxy("127.0.0.1", host.upstream.port) as proxy:
        proxy.cut_answers_after(200_000)
        host.put(BODY)
        outcome = await fetched(
            f"http://127.0.0.1:{proxy.port}/file",
            tmp_path / "f",
            expected_sha256=sha256(BODY),
            max_attempts=9,
        )
    assert (outcome.success, (tmp_path / "f").read_bytes() == BODY) == (True, True)


async def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    async with file_host() as host:
        host.upstream.hang = True
        patience = Patience(pause_seconds=0.01, silence_seconds=0.2)
        outcome = await fetched(host.put(BODY), tmp_path / "f", max_attempts=2, patience=patience)
    assert (outcome.success, len(host.seen)) == (False, 2)


async def test_a_server_that_falls_silent_has_its_bytes_kept(tmp_path: Path) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = len(BODY)
        await response.prepare(request)
        await response.write(BODY[:1000])
        await asyncio.Event().wait()
        return response

    async with file_host() as host:
        host.troubles.append(half)
        patience = Patience(pause_seconds=0.01, silence_seconds=1.0)
        outcome = await fetched(host.put(BODY), tmp_path / "f", patience=patience)
    assert outcome.success
    assert host.ranges == [None, "bytes=1000-"]


async def test_nobody_there_is_a_failure(tmp_path: Path) -> None:
    outcome = await fetched(f"http://127.0.0.1:{free_port()}/f", tmp_path / "f", max_attempts=2)
    assert (outcome.success, outcome.sha256) == (False, None)


@pytest.mark.parametrize("url", ["", "u", "ftp://host/f", "file:///etc/passwd", "http://", "http://[", "/f"])
async def test_what_is_no_address_is_a_failure_at_once(url: str, tmp_path: Path) -> None:
    patience = Patience(pause_seconds=60)
    assert not (await fetched(url, tmp_path / "f", patience=patience)).success


async def test_a_file_of_unknown_length_arrives_whole(tmp_path: Path) -> None:
    async def streamed(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(BODY)
        return response

    seen: list[tuple[int, int]] = []
    async with file_host() as host:
        host.troubles.append(streamed)
        outcome = await fetched(host.url(), tmp_path / "f", progress=lambda *both: seen.append(both))
    assert (outcome.success, outcome.bytes_written) == (True, len(BODY))
    assert seen[-1] == (len(BODY), 0)


async def test_a_packed_answer_is_unpacked_and_never_resumed(tmp_path: Path) -> None:
    async def packed(request: web.Request) -> web.StreamResponse:
        response = web.Response(body=BODY)
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with file_host() as host:
        host.troubles.append(packed)
        outcome = await fetched(host.url(), tmp_path / "f", expected_sha256=sha256(BODY))
    assert (outcome.success, outcome.bytes_written) == (True, len(BODY))
    assert host.seen[0].headers["Accept-Encoding"] == "identity"


async def test_a_file_that_changed_is_not_pieced_together_from_two_versions(tmp_path: Path) -> None:
    other = a_body(len(BODY), b"other")
    async with file_host() as host:
        url = host.put(BODY)
        host.etags["/file"] = '"1"'

        async def cut_and_change(request: web.Request) -> web.StreamResponse:
            answer = await host.cutting(100_000)(request)
            host.put(other)
            host.etags["/file"] = '"2"'
            return answer

        host.troubles.append(cut_and_change)
        outcome = await fetched(url, tmp_path / "f")
    assert (outcome.success, (tmp_path / "f").read_bytes() == other) == (True, True)
    assert host.seen[1].headers["If-Range"] == '"1"'


async def test_headers_and_token_are_sent(tmp_path: Path) -> None:
    async with file_host() as host:
        outcome = await download_file_async(
            host.put(BODY) + "?x=1", tmp_path / "f", auth_query_token="a b", extra_headers={"X-Key": "k"}
        )
    assert outcome.success
    assert (host.seen[0].raw_path, host.seen[0].headers["X-Key"]) == ("/file?x=1&token=a%20b", "k")


async def test_a_key_in_the_headers_goes_before_one_in_a_netrc_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1\nlogin somebody\npassword secret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with file_host() as host:
        assert (await fetched(host.put(BODY), tmp_path / "f", headers={"Authorization": "mine"})).success
        assert (await fetched(host.url(), tmp_path / "f")).success
    first, second = (request.headers["Authorization"] for request in host.seen)
    assert (first, second.startswith("Basic ")) == ("mine", True)


async def test_redirects_are_followed_and_keys_stay_with_their_server(tmp_path: Path) -> None:
    async with file_host() as host, upstreams("origin") as (origin,):
        target = host.put(BODY, "/cdn/file")

        async def away(request: web.Request) -> web.StreamResponse:
            location = target if request.path == "/here" else "/here"
            return web.Response(status=302, headers={"Location": location})

        origin.answer = away
        (tmp_path / "f.part").write_bytes(BODY[:1000])
        outcome = await fetched(
            f"http://127.0.0.1:{origin.port}/start",
            tmp_path / "f",
            headers={"Authorization": "secret", "apikey": "secret"},
            expected_sha256=sha256(BODY),
        )
    assert outcome.success
    assert [request.headers.get("apikey") for request in origin.seen] == ["secret", "secret"]
    (last,) = host.seen
    assert not {"Authorization", "apikey"} & set(last.headers)
    assert last.headers["Range"] == "bytes=1000-"


@pytest.mark.parametrize("location", ["ftp://host/f", "/again"])
async def test_redirects_to_nowhere_are_failures(location: str, tmp_path: Path) -> None:
    async with file_host() as host:
        host.troubles.extend([refusing(302, Location=location)] * 99)
        outcome = await fetched(host.url(), tmp_path / "f", max_attempts=1)
    assert (outcome.success, len(host.seen)) == (False, 1 if location.startswith("ftp") else 11)


async def test_keys_stay_out_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "horde_model_reference")
    async with file_host() as host:
        host.troubles.append(refusing(302, Location="ftp://x/?token=secret"))
        nobody = f"127.0.0.1:{free_port()}"
        for url in (host.url(), "no-address", f"http://{nobody}/f", f"http://me:secret@{nobody}/f"):
            headers = {"apikey": "secret"}
            await fetched(
                f"{url}?a=secret", tmp_path / "f", auth_query_token="secret", headers=headers, max_attempts=2
            )
    assert len(caplog.messages) >= 3
    assert "secret" not in caplog.text


async def test_a_disk_that_refuses_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"a file in the way")
    async with file_host() as host:
        outcome = await fetched(host.put(BODY), tmp_path / "folder" / "f")
    assert (outcome.success, outcome.sha256, len(host.seen)) == (False, None, 0)


async def test_a_full_disk_is_a_failure_and_the_part_stays(small_disk: Path) -> None:
    async with file_host() as host:
        outcome = await fetched(host.put(BODY), small_disk / "f", max_attempts=3)
    assert (outcome.success, outcome.sha256, len(host.seen)) == (False, None, 1)
    assert outcome.bytes_written == (small_disk / "f.part").stat().st_size
    assert not (small_disk / "f").exists()


async def test_an_older_file_is_replaced_and_so_is_what_is_known_about_it(tmp_path: Path) -> None:
    destination = tmp_path / "f.bin"
    destination.write_bytes(b"old")
    destination.with_suffix(".sha256").write_text(f"{'12' * 32} *f.bin")
    async with file_host() as host:
        await fetched(host.put(BODY), destination)
    assert await asyncio.to_thread(sha256_of, destination) == sha256(BODY)


async def test_files_that_differ_only_in_their_extension_keep_their_checksums(tmp_path: Path) -> None:
    bodies = {"m.safetensors": BODY, "m.ckpt": a_body(1000), "m.yaml": a_body(10)}
    async with file_host() as host:
        for name, body in bodies.items():
            host.put(body, f"/{name}")
            assert (await fetched(host.url(f"/{name}"), tmp_path / name)).success
            first_line = (tmp_path / "m.sha256").read_text().split()[0]
            assert first_line == sha256(body)
    for name, body in bodies.items():
        assert await asyncio.to_thread(sha256_of, tmp_path / name) == sha256(body)


async def test_threads_download_different_files_at_once(tmp_path: Path) -> None:
    async with file_host() as host:
        bodies = {f"f{number}": a_body(50_000 + number) for number in range(6)}
        urls = {name: host.put(body, f"/{name}") for name, body in bodies.items()}
        calls = [
            asyncio.to_thread(download_file, urls[name], tmp_path / name, expected_sha256=sha256(body))
            for name, body in bodies.items()
        ]
        outcomes = await asyncio.gather(*calls)
    assert all(outcome.success for outcome in outcomes)
    assert all((tmp_path / name).read_bytes() == body for name, body in bodies.items())
