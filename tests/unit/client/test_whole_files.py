import os
import stat
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest

from horde_model_reference.files.whole import draft_beside, remove_left_behind, replace_file


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refuse_as_windows_does(monkeypatch: pytest.MonkeyPatch, refusals: Iterator[bool]) -> None:
    """Have renames refused because somebody reads the file."""
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        if next(refusals):
            error = PermissionError(13, "somebody has the file open")
            error.winerror = 5  # type: ignore[attr-defined, unused-ignore] # it is there on Windows only
            raise error
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced_and_nothing_stays_beside_it(tmp_path: Path, durable: bool) -> None:
    for body in (b"1", b"22"):
        replace_file(tmp_path / "a", body, durable=durable)
        assert (tmp_path / "a").read_bytes() == body
        assert names_in(tmp_path) == ["a"]


@pytest.mark.parametrize("durable", [False, True])
def test_only_what_shall_survive_a_loss_of_power_waits_for_the_disk(
    tmp_path: Path, durable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda number: synced.append(stat.S_ISDIR(os.fstat(number).st_mode)))
        replace_file(tmp_path / "a", b"1", durable=durable)
    expected = [False] if os.name == "nt" else [False, True]
    assert synced == (expected if durable else [])


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_who_may_read_a_file_is_decided_by_the_program_as_for_any_other(tmp_path: Path) -> None:
    replace_file(tmp_path / "a", b"1")
    (tmp_path / "plain").write_bytes(b"1")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_file_that_cannot_be_put_in_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(OSError, match="x"):
        replace_file(tmp_path / "x", b"body")
    assert names_in(tmp_path) == ["x"]


def test_a_disk_that_is_full_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(OSError, match="No space"):
            replace_file(tmp_path / "a", b"new", durable=True)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names_in(tmp_path) == ["a"]


def test_where_readers_hinder_a_rename_it_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        refuse_as_windows_does(patch, iter([True, True, False]))
        replace_file(tmp_path / "a", b"1")
    assert (tmp_path / "a").read_bytes() == b"1"


def test_readers_that_never_end_are_an_error_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with monkeypatch.context() as patch:
        refuse_as_windows_does(patch, repeat(True))
        with pytest.raises(PermissionError):
            replace_file(tmp_path / "a", b"1")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names_in(tmp_path) == ["a"]


def test_a_rename_that_is_not_allowed_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Path] = []

    def forbidden(source: Path, _target: Path) -> None:
        tried.append(source)
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", forbidden)
        with pytest.raises(PermissionError):
            replace_file(tmp_path / "a", b"1")
    assert len(tried) == 1


def test_drafts_of_one_file_have_names_of_their_own_and_go_with_their_writers(tmp_path: Path) -> None:
    with draft_beside(tmp_path / "a") as one, draft_beside(tmp_path / "a") as other:
        one.write_bytes(b"1")
        other.write_bytes(b"2")
        assert len(names_in(tmp_path)) == 2
    assert names_in(tmp_path) == []


def test_what_writers_left_behind_long_ago_is_removed(tmp_path: Path) -> None:
    ages = {".a.json.1-ab.tmp": 7200, ".a.json.2-cd.tmp": 60, "notes.tmp": 7200, ".hidden": 7200}
    for name, age in ages.items():
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age, time.time() - age))
    remove_left_behind(tmp_path)
    assert names_in(tmp_path) == sorted(ages.keys() - {".a.json.1-ab.tmp"})


def test_a_folder_that_is_gone_has_nothing_left_behind(tmp_path: Path) -> None:
    remove_left_behind(tmp_path / "gone")
