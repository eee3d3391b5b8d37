"""The copies on disk of one process."""

import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.replica.copy_facts import CopyFacts, sha256_of
from horde_model_reference.replica.disk_cache import DiskCache

PRIMARY = "http://primary.example/api"
NOW = time.time()


def a_body(*names: str) -> bytes:
    return json.dumps({name: {"name": name} for name in names}).encode()


def facts(**changed: Any) -> dict[str, Any]:
    """Return what is known of a copy."""
    known = {"origin": "primary", "source_url": PRIMARY, "etag": '"e"', "revision": 5, "fetched_at": NOW}
    return {**known, **changed}


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "base")


def names_in(cache: DiskCache, category: str = "clip") -> list[str] | None:
    found = cache.read(category)
    return None if found is None else list(found.value)


def test_a_copy_is_read_as_it_was_written(cache: DiskCache) -> None:
    assert cache.write("clip", a_body("a"), **facts())
    found = cache.read("clip")
    assert found is not None
    assert (found.category, found.body, found.value) == ("clip", a_body("a"), {"a": {"name": "a"}})
    assert (found.origin, found.source_url, found.etag) == ("primary", PRIMARY, '"e"')
    assert (found.revision, found.fetched_at) == (5, NOW)
    assert found.stamp == cache.stamp("clip")


def test_the_files_have_the_names_that_others_know(cache: DiskCache, tmp_path: Path) -> None:
    base = tmp_path / "base"
    assert cache.path("image_generation") == base / "stable_diffusion.json"
    assert cache.path("clip") == base / "clip.json"
    assert cache.legacy_path("text_generation") == base / "legacy" / "models.csv"
    assert cache.legacy_path("image_generation") == base / "legacy" / "stable_diffusion.json"
    cache.write("clip", a_body("a"), **facts())
    assert cache.path("clip").read_bytes() == a_body("a")
    assert sorted(path.name for path in base.iterdir()) == ["clip.json", "replica"]


def test_an_unknown_category_is_an_error(cache: DiskCache) -> None:
    with pytest.raises(KeyError):
        cache.path("no such category")


def test_looking_makes_no_folder(cache: DiskCache, tmp_path: Path) -> None:
    assert cache.read("clip") is None
    assert cache.stamp("clip") is None
    assert cache.read_legacy("clip") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'{"detail": "x"}', b"\xff"])
def test_a_damaged_copy_is_none_and_told_once(
    cache: DiskCache, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    cache.write("clip", a_body("a"), **facts())
    cache.path("clip").write_bytes(body)
    with caplog.at_level(logging.WARNING):
        assert cache.read("clip") is None
        assert cache.read("clip") is None
    assert caplog.text.count("is damaged and") == 1
    assert cache.path("clip").read_bytes() == body


def test_a_damaged_copy_is_replaced_by_a_good_one(cache: DiskCache) -> None:
    cache.write("clip", a_body("a"), **facts())
    cache.path("clip").write_bytes(b"{")
    assert cache.write("clip", a_body("b"), **facts(revision=4))
    assert names_in(cache) == ["b"]


def test_a_copy_that_another_program_wrote_has_no_facts(cache: DiskCache) -> None:
    cache.write("clip", a_body("a"), **facts())
    cache.path("clip").write_bytes(a_body("b"))
    os.utime(cache.path("clip"), (1000, 1000))
    found = cache.read("clip")
    assert found is not None
    assert (found.origin, found.etag, found.revision, found.fetched_at) == ("unknown", None, None, 1000)


@pytest.mark.parametrize("text", [b"", b"{", b"null", b'{"sha256": 7}', b"\xff"])
def test_damaged_facts_are_none(cache: DiskCache, tmp_path: Path, text: bytes) -> None:
    cache.write("clip", a_body("a"), **facts())
    (tmp_path / "base" / "replica" / "clip.json").write_bytes(text)
    found = cache.read("clip")
    assert found is not None
    assert (found.origin, found.etag, list(found.value)) == ("unknown", None, ["a"])


def test_a_lower_revision_of_the_same_source_does_not_replace_a_higher_one(cache: DiskCache) -> None:
    assert cache.write("clip", a_body("new"), **facts(revision=6))
    assert not cache.write("clip", a_body("old"), **facts(revision=5, fetched_at=NOW + 1))
    assert names_in(cache) == ["new"]
    assert cache.write("clip", a_body("newer"), **facts(revision=7))
    assert names_in(cache) == ["newer"]


def test_a_lower_revision_long_afterwards_is_that_of_a_new_journal(cache: DiskCache) -> None:
    cache.write("clip", a_body("before"), **facts(revision=600, fetched_at=NOW - 3600))
    assert cache.write("clip", a_body("after"), **facts(revision=1))
    assert names_in(cache) == ["after"]


def test_without_revisions_the_copy_fetched_later_stays(cache: DiskCache) -> None:
    assert cache.write("clip", a_body("new"), **facts(revision=None))
    assert not cache.write("clip", a_body("old"), **facts(revision=None, fetched_at=NOW - 1))
    assert cache.write("clip", a_body("newer"), **facts(revision=None, fetched_at=NOW + 1))


def test_a_copy_fetched_in_the_future_does_not_stay_for_ever(cache: DiskCache) -> None:
    cache.write("clip", a_body("future"), **facts(fetched_at=NOW + 10_000))
    assert cache.write("clip", a_body("now"), **facts(revision=4))
    assert names_in(cache) == ["now"]


@pytest.mark.parametrize(
    "source",
    [{"origin": "github", "source_url": "https://raw"}, {"source_url": "http://another.example/api"}],
)
def test_copies_of_different_sources_are_not_compared(cache: DiskCache, source: dict[str, str]) -> None:
    cache.write("clip", a_body("a"), **facts(revision=9))
    assert cache.write("clip", a_body("b"), **facts(revision=None, fetched_at=NOW - 50, **source))
    assert names_in(cache) == ["b"]


def test_equal_bytes_are_not_written_again_but_their_facts_are(cache: DiskCache) -> None:
    cache.write("clip", a_body("a"), **facts())
    before = cache.stamp("clip")
    assert cache.write("clip", a_body("a"), **facts(revision=6, etag='"f"'))
    found = cache.read("clip")
    assert found is not None
    assert (found.stamp, found.revision, found.etag) == (before, 6, '"f"')


def test_a_rewritten_file_has_another_stamp(cache: DiskCache) -> None:
    cache.write("clip", a_body("a"), **facts())
    before = cache.stamp("clip")
    cache.write("clip", a_body("b"), **facts())
    assert cache.stamp("clip") != before


def test_a_reader_writes_nothing(tmp_path: Path) -> None:
    reader = DiskCache(tmp_path / "base", writable=False)
    assert not reader.write("clip", a_body("a"), **facts())
    assert not reader.write_legacy("clip", b"{}")
    assert list(tmp_path.iterdir()) == []


def test_legacy_files_are_kept_as_they_are(cache: DiskCache) -> None:
    body = b'{\r\n\t"a": {}}\r\n'
    assert cache.write_legacy("clip", body)
    assert cache.read_legacy("clip") == cache.legacy_path("clip").read_bytes() == body
    before = cache.legacy_path("clip").stat().st_ino
    assert cache.write_legacy("clip", body)
    assert cache.legacy_path("clip").stat().st_ino == before


def test_a_base_that_cannot_be_made_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = DiskCache(tmp_path / "file" / "base")
    with caplog.at_level(logging.WARNING):
        for category in ("clip", "blip"):
            assert not cache.write(category, a_body("a"), **facts())
            assert not cache.write_legacy(category, b"{}")
            assert cache.read(category) is None
    assert caplog.text.count("cannot be written") == 1


def test_a_folder_in_the_place_of_a_copy_is_told(cache: DiskCache, caplog: pytest.LogCaptureFixture) -> None:
    cache.path("clip").mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        assert cache.read("clip") is None
        assert not cache.write("clip", a_body("a"), **facts())
    assert "cannot be read" in caplog.text
    assert list(cache.path("clip").parent.glob(".*.tmp")) == []


def test_a_full_disk_leaves_the_copy_as_it_was(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = DiskCache(small_disk / "base")
    assert cache.write("clip", a_body("small"), **facts())
    large = json.dumps({"large": {"name": "x" * 300_000}}).encode()
    with caplog.at_level(logging.WARNING):
        assert not cache.write("clip", large, **facts(revision=6))
        assert not cache.write("blip", large, **facts(revision=6))
        assert not cache.write_legacy("clip", large)
    assert "No space left" in caplog.text
    assert caplog.text.count("cannot be written") == 1
    found = cache.read("clip")
    assert found is not None
    assert (list(found.value), found.revision, cache.read("blip")) == (["small"], 5, None)
    assert list((small_disk / "base").glob(".*")) == []


@pytest.fixture
def read_only(small_disk: Path) -> Iterator[Path]:
    """Return a folder with a copy on a file system that cannot be written."""
    base = small_disk / "base"
    assert DiskCache(base).write("clip", a_body("a"), **facts())
    remount = f"mount -o remount,{{}} {small_disk}"
    if os.system(remount.format("ro")) != 0:  # noqa: S605 - no shell of a user
        pytest.skip("the file system cannot be made read-only here")
    yield base
    os.system(remount.format("rw"))  # noqa: S605 - the same


def test_a_read_only_disk_can_be_read(read_only: Path, caplog: pytest.LogCaptureFixture) -> None:
    cache = DiskCache(read_only)
    with caplog.at_level(logging.WARNING):
        assert names_in(cache) == ["a"]
        assert not cache.write("clip", a_body("b"), **facts(revision=6))
        assert not cache.write("blip", a_body("b"), **facts())
    assert names_in(cache) == ["a"]
    assert caplog.text.count("cannot be written") == 1


def test_what_writers_left_behind_is_removed_in_time(cache: DiskCache) -> None:
    base = cache.path("clip").parent
    base.mkdir()
    for name, age in ((".clip.json.1-ab.tmp", 7200), (".clip.json.2-cd.tmp", 60), ("notes.tmp", 7200)):
        (base / name).write_bytes(b"half")
        os.utime(base / name, (NOW - age, NOW - age))
    cache.write("clip", a_body("a"), **facts())
    assert sorted(path.name for path in base.glob("*tmp")) == [".clip.json.2-cd.tmp", "notes.tmp"]


some_facts = st.builds(
    CopyFacts,
    sha256=st.just(sha256_of(b"")),
    origin=st.just("primary"),
    source_url=st.sampled_from([PRIMARY, None]),
    etag=st.none(),
    revision=st.none() | st.integers(0, 5),
    fetched_at=st.floats(NOW - 5000, NOW + 5000),
)


@given(some_facts, some_facts)
def test_two_copies_never_outrank_each_other(one: CopyFacts, other: CopyFacts) -> None:
    assert not (one.outrank(other, NOW) and other.outrank(one, NOW))


@given(some_facts)
def test_facts_are_read_as_they_are_written(known: CopyFacts) -> None:
    assert CopyFacts.from_json(known.model_dump_json().encode()) == known


def age_facts(cache: DiskCache) -> Path:
    """Let the folder of the facts look as if nothing had been put there for long."""
    folder = cache.path("clip").parent / "replica"
    os.utime(folder, (NOW - 100, NOW - 100))
    return folder


def test_the_newest_revision_is_that_of_the_copies_from_there(cache: DiskCache) -> None:
    assert cache.newest_revision(PRIMARY) is None
    cache.write("clip", a_body("a"), **facts(revision=5))
    cache.write("blip", a_body("a"), **facts(revision=7))
    cache.write("esrgan", a_body("a"), **facts(revision=9, source_url="http://other.example/api"))
    cache.write("gfpgan", a_body("a"), **facts(revision=None))
    assert cache.newest_revision(PRIMARY) == 7
    assert cache.newest_revision("http://other.example/api") == 9


def test_facts_are_not_read_again_for_the_newest_revision_while_their_folder_is_the_same(
    cache: DiskCache,
) -> None:
    cache.write("clip", a_body("a"), **facts(revision=5))
    folder = age_facts(cache)
    assert cache.newest_revision(PRIMARY) == 5
    (folder / "clip.json").write_bytes(b"what nobody reads")
    assert cache.newest_revision(PRIMARY) == 5
    assert DiskCache(cache.path("clip").parent).newest_revision(PRIMARY) is None


def test_what_another_process_has_put_there_counts_for_the_newest_revision(cache: DiskCache) -> None:
    cache.write("clip", a_body("a"), **facts(revision=5))
    age_facts(cache)
    assert cache.newest_revision(PRIMARY) == 5
    DiskCache(cache.path("clip").parent).write("clip", a_body("b"), **facts(revision=6, fetched_at=NOW + 1))
    assert cache.newest_revision(PRIMARY) == 6
    DiskCache(cache.path("clip").parent).write("clip", a_body("c"), **facts(revision=7, fetched_at=NOW + 2))
    assert cache.newest_revision(PRIMARY) == 7, "also where both came within one tick of the clock"
