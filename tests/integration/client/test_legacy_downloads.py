import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from horde_model_reference.backends.filesystem import FileSystemBackend
from horde_model_reference.github_sources import IMAGE_REPOSITORY, TEXT_REPOSITORY, GithubRepository
from horde_model_reference.legacy.download_manager import LegacyReferenceDownloadManager
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, get_all_registered_categories
from horde_model_reference.settings import horde_model_reference_settings
from support.model_records import a_legacy_image, a_small_legacy_record, canonical_file
from support.text_models import a_row, models_csv
from support.upstreams import Upstream, upstreams

FILES = {
    "stable_diffusion.json": canonical_file({"a": a_legacy_image("a")}),
    "clip.json": canonical_file({"b": a_small_legacy_record("b", type="clip")}),
    "models.csv": models_csv(a_row("acme/Foo-7B")),
}
"""What the two repositories hold; every other file is an empty object."""


class FakeGithub:
    """Serves the files of both repositories; a broken one is answered with what stands for it."""

    def __init__(self, server: Upstream) -> None:
        self.server = server
        self.broken: dict[str, web.Response] = {}
        server.answer = self._answer

    def asked_for(self, file_name: str) -> int:
        return sum(path.endswith(f"/{file_name}") for path in self.server.paths)

    def repository(self, of: GithubRepository) -> GithubRepository:
        return GithubRepository(
            of.owner, of.name, of.branch, proxy_url=f"http://127.0.0.1:{self.server.port}"
        )

    def downloads(self, base: Path, **options: Any) -> LegacyReferenceDownloadManager:
        return LegacyReferenceDownloadManager(
            base_path=base,
            image_repository=self.repository(IMAGE_REPOSITORY),
            text_repository=self.repository(TEXT_REPOSITORY),
            **{"retry_max_attempts": 2, "retry_backoff_seconds": 0, **options},
        )

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name = request.path.rsplit("/", 1)[-1]
        if name in self.broken:
            broken = self.broken[name]
            return web.Response(status=broken.status, body=broken.body)
        return web.Response(body=FILES.get(name, b"{}"))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
async def github() -> AsyncIterator[FakeGithub]:
    async with upstreams("github") as (server,):
        yield FakeGithub(server)


@pytest.mark.parametrize("category", ["clip", MODEL_REFERENCE_CATEGORY.clip])
async def test_a_file_is_stored_as_it_is(category: str, github: FakeGithub, tmp_path: Path) -> None:
    downloads = github.downloads(tmp_path)
    assert await asyncio.to_thread(downloads.is_downloaded, category) is False
    path = await asyncio.to_thread(downloads.download_legacy_reference, category)
    assert path == downloads.get_legacy_file_path(category) == tmp_path / "legacy/clip.json"
    assert path.read_bytes() == FILES["clip.json"]
    assert await asyncio.to_thread(downloads.is_downloaded, category) is True
    assert github.server.paths == [
        "/https://raw.githubusercontent.com/Haidra-Org/AI-Horde-image-model-reference/refs/heads/main/clip.json"
    ]


async def test_a_file_that_is_there_is_fetched_again_only_on_demand(
    github: FakeGithub, tmp_path: Path
) -> None:
    downloads = github.downloads(tmp_path / "legacy")
    (tmp_path / "legacy").mkdir()
    (tmp_path / "legacy/models.csv").write_bytes(b"old")
    await downloads.download_legacy_reference_async("text_generation")
    assert (tmp_path / "legacy/models.csv").read_bytes() == b"old"
    await downloads.download_legacy_reference_async("text_generation", overwrite_existing=True)
    assert (tmp_path / "legacy/models.csv").read_bytes() == FILES["models.csv"]
    assert github.asked_for("models.csv") == 1


async def test_all_files_are_fetched_together(github: FakeGithub, tmp_path: Path) -> None:
    found = await github.downloads(tmp_path).download_all_legacy_references_async(httpx_client=object())
    expected = [
        name for name, item in get_all_registered_categories().items() if item.github_source is not None
    ]
    assert list(found) == expected
    assert all(path is not None and path.is_file() for path in found.values())
    assert len(github.server.seen) == len(expected) == 10
    again = await asyncio.to_thread(github.downloads(tmp_path).download_all_legacy_references)
    assert again == found
    assert len(github.server.seen) == 10


@pytest.mark.parametrize("category", ["lora", "video_generation", "controlnet_annotator", "unheard of"])
async def test_what_is_not_on_github_is_none_and_asks_nobody(
    category: str, github: FakeGithub, tmp_path: Path
) -> None:
    downloads = github.downloads(tmp_path)
    assert await downloads.download_legacy_reference_async(category) is None
    assert await asyncio.to_thread(downloads.download_legacy_reference, category) is None
    assert downloads.get_legacy_file_path(category) is None
    assert downloads.is_downloaded(category) is False
    assert github.server.seen == []


BROKEN: Mapping[str, tuple[int, bytes]] = {
    "not there": (404, b"404: Not Found"),
    "out of order": (503, b""),
    "a web page": (200, b"<html>"),
    "a list": (200, b"[]"),
    "null": (200, b"null"),
}


@pytest.mark.parametrize(("status", "body"), BROKEN.values(), ids=BROKEN)
async def test_a_failed_download_changes_nothing_and_costs_no_other(
    status: int, body: bytes, github: FakeGithub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    github.broken["clip.json"] = web.Response(status=status, body=body)
    downloads = github.downloads(tmp_path)
    (tmp_path / "legacy").mkdir()
    (tmp_path / "legacy/clip.json").write_bytes(b"old")
    with caplog.at_level(logging.WARNING):
        found = await downloads.download_all_legacy_references_async(overwrite_existing=True)
    assert found["clip"] is None
    assert (tmp_path / "legacy/clip.json").read_bytes() == b"old"
    assert found["image_generation"] == tmp_path / "legacy/stable_diffusion.json"
    assert "the legacy file of clip could not be had" in caplog.text
    assert github.asked_for("clip.json") == 2
    assert names_in(tmp_path) == [".write.lock", "legacy"]


async def test_a_primary_seeds_its_empty_folder_from_github(github: FakeGithub, tmp_path: Path) -> None:
    backend = FileSystemBackend(base_path=tmp_path, seed_from=github.downloads(tmp_path))
    everything = await backend.fetch_all_categories_async()
    assert list(everything["image_generation"] or {}) == ["a"]
    assert list(everything["text_generation"] or {}) == ["acme/Foo-7B"]
    assert (everything["esrgan"], everything["video_generation"], everything["lora"]) == ({}, {}, None)
    assert len(github.server.seen) == 10
    entries = json.loads((tmp_path / "legacy/db.json").read_bytes())
    assert list(entries) == ["acme/Foo-7B", "aphrodite/acme/Foo-7B", "koboldcpp/Foo-7B"]


async def test_threads_that_need_the_seed_at_once_fetch_it_once(github: FakeGithub, tmp_path: Path) -> None:
    backends = [FileSystemBackend(base_path=tmp_path, seed_from=github.downloads(tmp_path)) for _ in range(3)]
    found = await asyncio.gather(
        *(backend.fetch_category_async("clip") for backend in backends for _ in "ab")
    )
    assert [list(records or {}) for records in found] == [["b"]] * 6
    assert len(github.server.seen) == 10


async def test_a_seed_without_github_leaves_nothing_and_recovers(github: FakeGithub, tmp_path: Path) -> None:
    await github.server.stop()
    backend = FileSystemBackend(base_path=tmp_path, seed_from=github.downloads(tmp_path))
    assert await backend.fetch_category_async("image_generation") is None
    assert not (tmp_path / "legacy").exists()
    await github.server.start()
    again = FileSystemBackend(base_path=tmp_path, seed_from=github.downloads(tmp_path))
    assert list(await again.fetch_category_async("image_generation") or {}) == ["a"]


@pytest.fixture
def seeding_settings(github: FakeGithub) -> Iterator[None]:
    """Settings of a PRIMARY that seeds itself from our GitHub."""
    settings = horde_model_reference_settings
    before = settings.github_seed_enabled, settings.legacy_download_retry_backoff_seconds
    settings.github_seed_enabled, settings.legacy_download_retry_backoff_seconds = True, 0
    proxies = (settings.image_github_repo.proxy_settings, settings.text_github_repo.proxy_settings)
    for proxy in proxies:
        proxy.github_proxy_url_base = f"http://127.0.0.1:{github.server.port}"
    yield
    settings.github_seed_enabled, settings.legacy_download_retry_backoff_seconds = before
    for proxy in proxies:
        proxy.github_proxy_url_base = ""


@pytest.mark.usefixtures("seeding_settings")
async def test_the_settings_say_whether_and_where_from_a_folder_is_seeded(
    github: FakeGithub, tmp_path: Path
) -> None:
    backend = FileSystemBackend(base_path=tmp_path)
    assert list(await backend.fetch_category_async("clip") or {}) == ["b"]
    assert len(github.server.seen) == 10
