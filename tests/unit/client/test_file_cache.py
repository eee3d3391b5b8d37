import logging
import os
from pathlib import Path

import pytest

from horde_model_reference.backends.file_cache import FileCache, Reading
from horde_model_reference.documents import SourceUnreadable


class Parser:
    """Gives the text of a file, and remembers what it was asked to parse."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def __call__(self, body: bytes) -> str:
        self.seen.append(body)
        if body.startswith(b"!"):
            raise SourceUnreadable("begins with an exclamation mark")
        return body.decode()


def rewrite(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def test_an_unchanged_file_is_parsed_once(tmp_path: Path) -> None:
    path, parse = tmp_path / "file", Parser()
    path.write_text("one")
    cache = FileCache(parse, 60)
    assert [cache.get(path), cache.get(path)] == [Reading("one"), Reading("one")]
    assert parse.seen == [b"one"]
    assert len(cache) == 1


def test_a_rewritten_file_is_noticed_once(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    cache = FileCache(Parser(), 60)
    cache.get(path)
    rewrite(path, "two")
    assert cache.is_stale(path)
    assert [cache.get(path), cache.get(path)] == [Reading("two", changed=True), Reading("two")]


def test_a_file_that_appears_or_goes_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    cache = FileCache(Parser(), 60)
    assert cache.get(path) == Reading(None)
    path.write_text("one")
    assert cache.get(path) == Reading("one", changed=True)
    path.unlink()
    assert cache.get(path) == Reading(None, changed=True)


def test_a_file_rewritten_with_the_same_content_is_no_change(tmp_path: Path) -> None:
    path, parse = tmp_path / "file", Parser()
    path.write_text("one")
    cache = FileCache(parse, 60)
    cache.get(path)
    rewrite(path, "one")
    assert cache.get(path) == Reading("one")
    assert parse.seen == [b"one"]


def test_after_its_time_a_file_with_the_same_stamp_is_looked_into(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    cache = FileCache(Parser(), 0)
    cache.get(path)
    before = path.stat()
    path.write_text("two")  # the same size and inode
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cache.get(path) == Reading("two", changed=True)


def test_a_file_marked_stale_is_read_again_and_its_change_is_told_already(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    cache = FileCache(Parser(), 60)
    cache.mark_stale(path)
    assert not cache.is_stale(path), "it was never loaded"
    cache.get(path)
    cache.mark_stale(path)
    assert cache.is_stale(path)
    rewrite(path, "two")
    assert cache.get(path) == Reading("two", changed=False)
    assert not cache.is_stale(path)


def test_force_reads_a_fresh_file_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    cache = FileCache(Parser(), 60)
    cache.get(path)
    before = path.stat()
    path.write_text("two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert cache.get(path) == Reading("one")
    assert cache.get(path, force=True) == Reading("two", changed=True)


def test_a_damaged_file_keeps_the_last_good_value_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    cache = FileCache(Parser(), 60)
    cache.get(path)
    rewrite(path, "!")
    with caplog.at_level(logging.ERROR):
        values = [cache.get(path).value, cache.get(path).value]
    assert values == ["one", "one"]
    assert [record.message for record in caplog.records] == [
        f"{path} cannot be used: begins with an exclamation mark"
    ]
    rewrite(path, "three")
    assert cache.get(path).value == "three"


def test_a_file_damaged_from_the_start_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("!")
    cache = FileCache(Parser(), 60)
    assert [cache.get(path), cache.get(path)] == [Reading(None), Reading(None)]


def test_a_file_that_cannot_be_read_keeps_the_last_good_value(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    cache = FileCache(Parser(), 60)
    cache.get(path)
    path.unlink()
    path.mkdir()
    assert cache.get(path) == Reading("one")
    assert "cannot be read" in caplog.text


def test_a_file_that_can_never_be_read_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    assert FileCache(Parser(), 60).get(path) == Reading(None)


def test_marking_stale_during_the_reading_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    cache: FileCache[str]

    def parse(body: bytes) -> str:
        cache.mark_stale(path)
        return body.decode()

    cache = FileCache(parse, 60)
    cache.get(path)
    assert cache.is_stale(path)
