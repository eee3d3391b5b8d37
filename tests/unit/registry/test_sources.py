"""Seed files fetched from repositories."""

import pytest

from horde_model_reference.documents import SourceUnreadable
from registry.sources import MAX_FILE_BYTES, SEED_FILES, Fetch, fetch_repositories, require_size
from service_kit.errors import NotFound

URLS = {"image": "https://images.example.org", "text": "https://texts.example.org"}


def serving(**failing: Exception) -> Fetch:
    async def fetch(url: str) -> bytes:
        name = url.rsplit("/", 1)[1]
        if name.split(".")[0] in failing:
            raise failing[name.split(".")[0]]
        return url.encode()

    return fetch


async def test_every_file_comes_from_its_repository() -> None:
    source = await fetch_repositories(serving(), URLS)
    assert source.origin == "github"
    assert source.categories["clip"] == {"clip.json": b"https://images.example.org/clip.json"}
    assert source.categories["text_generation"] == {
        "models.csv": b"https://texts.example.org/models.csv",
        "db.json": b"https://texts.example.org/db.json",
    }
    assert source.categories.keys() == SEED_FILES.keys()
    assert source.passed_on == {"diffusers.json": b"https://images.example.org/diffusers.json"}


async def test_one_missing_file_fails_the_whole_and_is_named() -> None:
    with pytest.raises(SourceUnreadable, match=r"gfpgan\.json of the image repository cannot be fetched"):
        await fetch_repositories(serving(gfpgan=NotFound("there is no such file")), URLS)


def test_a_file_may_be_as_large_as_the_limit_and_no_larger() -> None:
    require_size("a.json", MAX_FILE_BYTES)
    with pytest.raises(SourceUnreadable, match=rf"a\.json has {MAX_FILE_BYTES + 1} bytes"):
        require_size("a.json", MAX_FILE_BYTES + 1)
