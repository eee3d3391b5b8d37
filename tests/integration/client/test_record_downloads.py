import asyncio
from pathlib import Path

import pytest

from horde_model_reference.download_engine import (
    download_addressed_file,
    download_record_files,
    download_record_files_async,
)
from horde_model_reference.downloads.gateways import Gateway
from horde_model_reference.downloads.outcome import DownloadOutcome, FileOrder
from horde_model_reference.downloads.record_files import RecordOrder, fetch_record
from horde_model_reference.model_reference_records import (
    DownloadRecord,
    GenericModelRecord,
    GenericModelRecordConfig,
    ImageGenerationModelRecord,
    TextGenerationModelRecord,
)
from horde_model_reference.settings import horde_model_reference_settings
from support.downloads import names_in, quick_downloader
from support.file_hosts import FileHost, a_body, file_host, refusing, sha256

BODY = a_body(20_000)
VAE = a_body(10_000)
KEY = "a-key"


def a_model(*files: DownloadRecord) -> ImageGenerationModelRecord:
    config = GenericModelRecordConfig(download=list(files))
    return ImageGenerationModelRecord(name="m", baseline="stable_diffusion_xl", nsfw=False, config=config)


def a_download(name: str, url: str, body: bytes | None, purpose: str | None = None) -> DownloadRecord:
    sha256sum = "FIXME" if body is None else sha256(body)
    return DownloadRecord(file_name=name, file_url=url, sha256sum=sha256sum, file_purpose=purpose)


def on_mirror(host: FileHost, body: bytes, served: bytes | None = None) -> str:
    """Have a file on the mirror under the hash of a body, and return the address of the mirror."""
    host.put(body if served is None else served, f"/mirror/by-hash/{sha256(body)}")
    return host.url("/mirror")


def asked(host: FileHost) -> list[tuple[str, str | None]]:
    """Return the requests: path, and key."""
    return [(request.raw_path, request.headers.get("apikey")) for request in host.seen]


async def fetch_addressed(
    url: str, destination: Path, mirror: str, *, expected: bytes = BODY, attempts: int = 2
) -> DownloadOutcome:
    order = FileOrder(url, destination, expected_sha256=sha256(expected).upper(), max_attempts=attempts)
    async with quick_downloader() as downloader:
        return await downloader.fetch_addressed(order, Gateway(mirror, KEY))


async def record_fetched(record: GenericModelRecord, root: Path) -> bool:
    async with quick_downloader() as downloader:
        return await fetch_record(downloader.fetch_addressed, RecordOrder(record, root))


async def test_the_files_of_a_model_go_to_their_places(tmp_path: Path) -> None:
    async with file_host() as host:
        model = a_model(
            a_download("m.safetensors", host.put(BODY, "/m"), BODY),
            a_download("v.safetensors", host.put(VAE, "/v"), VAE, "vae"),
        )
        assert await asyncio.to_thread(download_record_files, model, str(tmp_path))
        assert await download_record_files_async(model, tmp_path)
    assert names_in(tmp_path) == [
        "compvis/m.safetensors",
        "compvis/m.sha256",
        "vae/v.safetensors",
        "vae/v.sha256",
    ]
    assert [path for path, _ in asked(host)] == ["/m", "/v"]


async def test_a_wrong_file_is_fetched_again_and_one_of_unknown_hash_is_not(tmp_path: Path) -> None:
    (tmp_path / "compvis").mkdir()
    for name in ("wrong", "unknown"):
        (tmp_path / "compvis" / name).write_bytes(b"something else")
    async with file_host() as host:
        model = a_model(
            a_download("wrong", host.put(BODY, "/w"), BODY), a_download("unknown", host.put(VAE, "/u"), None)
        )
        assert await record_fetched(model, tmp_path)
    assert [path for path, _ in asked(host)] == ["/w"]
    assert (tmp_path / "compvis" / "wrong").read_bytes() == BODY


async def test_a_failure_does_not_keep_the_other_files_back(tmp_path: Path) -> None:
    async with file_host() as host:
        model = a_model(
            a_download("a", "", BODY),
            a_download("b", host.url("/none"), BODY),
            a_download("c", host.put(VAE), VAE),
        )
        assert not await record_fetched(model, tmp_path)
    assert names_in(tmp_path) == ["compvis/c", "compvis/c.sha256"]


@pytest.mark.parametrize("name", ["../../out", "/tmp/hmr-out", "", "\0"])
async def test_no_file_is_written_outside_of_the_weights(name: str, tmp_path: Path) -> None:
    async with file_host() as host:
        model = a_model(a_download(name, host.put(BODY), BODY))
        assert not await record_fetched(model, tmp_path / "weights")
    assert (host.seen, names_in(tmp_path)) == ([], [])


async def test_a_model_without_a_place_on_the_disk_is_a_failure(tmp_path: Path) -> None:
    async with file_host() as host:
        config = GenericModelRecordConfig(download=[a_download("t", host.put(BODY), BODY)])
        text = TextGenerationModelRecord(name="t", parameters=1, config=config)
        assert not await download_record_files_async(text, tmp_path)
    assert host.seen == []


async def test_the_mirror_is_asked_first_by_hash_and_with_the_key(tmp_path: Path) -> None:
    async with file_host() as host:
        origin, mirror = host.put(BODY, "/origin"), on_mirror(host, BODY)
        outcome = await asyncio.to_thread(
            download_addressed_file,
            origin,
            tmp_path / "f",
            sha256=sha256(BODY).upper(),
            gateway_base_url=mirror,
            apikey=KEY,
            auth_query_token="t",
        )
    assert outcome == DownloadOutcome(True, tmp_path / "f", len(BODY), sha256(BODY))
    assert asked(host) == [(f"/mirror/by-hash/{sha256(BODY)}", KEY)]


async def test_without_a_key_or_a_hash_the_origin_is_asked(tmp_path: Path) -> None:
    async with file_host() as host:
        origin, mirror = host.put(BODY, "/origin"), on_mirror(host, BODY)
        for key, sha256sum in ((None, sha256(BODY)), (KEY, "FIXME"), (KEY, None)):
            outcome = await asyncio.to_thread(
                download_addressed_file,
                origin,
                tmp_path / "f",
                sha256=sha256sum,
                gateway_base_url=mirror,
                apikey=key,
                auth_query_token="t",
            )
            assert outcome.success
    assert asked(host) == [("/origin?token=t", None)] * 3


async def test_the_configured_mirror_is_used_unless_the_caller_does_not_want_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with file_host() as host:
        monkeypatch.setattr(horde_model_reference_settings.r2, "gateway_url", on_mirror(host, BODY))
        model = a_model(a_download("m", host.put(BODY, "/origin"), BODY))
        for number, wanted in enumerate((True, False)):
            root = tmp_path / str(number)
            assert await download_record_files_async(model, root, apikey=KEY, use_configured_gateway=wanted)
    assert [path for path, _ in asked(host)] == [f"/mirror/by-hash/{sha256(BODY)}", "/origin"]


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500])
async def test_a_mirror_that_refuses_is_asked_once(status: int, tmp_path: Path) -> None:
    async with file_host() as host:
        host.troubles.append(refusing(status))
        outcome = await fetch_addressed(host.put(BODY, "/origin"), tmp_path / "f", on_mirror(host, BODY))
    assert outcome.success
    assert [path for path, _ in asked(host)] == [f"/mirror/by-hash/{sha256(BODY)}", "/origin"]


async def test_what_the_mirror_began_is_resumed_from_the_origin(tmp_path: Path) -> None:
    async with file_host() as host:
        host.troubles.append(host.cutting(15_000))
        outcome = await fetch_addressed(host.put(BODY, "/origin"), tmp_path / "f", on_mirror(host, BODY))
    assert (outcome.success, (tmp_path / "f").read_bytes() == BODY) == (True, True)
    assert [request.raw_path for request in host.seen][1:] == ["/origin"]
    assert host.ranges[1] is not None


async def test_a_wrong_file_on_the_mirror_is_not_used(tmp_path: Path) -> None:
    async with file_host() as host:
        mirror = on_mirror(host, BODY, served=VAE)
        outcome = await fetch_addressed(host.put(BODY, "/origin"), tmp_path / "f", mirror)
    assert outcome.success
    assert (names_in(tmp_path), (tmp_path / "f").read_bytes() == BODY) == (["f", "f.sha256"], True)


async def test_a_wrong_file_does_not_stay(tmp_path: Path) -> None:
    async with file_host() as host:
        mirror = on_mirror(host, BODY, served=VAE)
        outcome = await fetch_addressed(host.put(VAE, "/origin"), tmp_path / "f", mirror)
    assert (outcome.success, outcome.sha256) == (False, sha256(VAE))
    assert names_in(tmp_path) == []
