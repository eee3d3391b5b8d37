import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horde_model_reference.backends.file_replacement import finish_replacement, replace_files


def contents_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Crash(BaseException):
    """The process ends here."""


def crashing_at(step: int, real: Callable[..., Any]) -> Callable[..., Any]:
    left = [step]

    def call(*arguments: Any, **options: Any) -> Any:
        if left[0] == 0:
            raise Crash
        left[0] -= 1
        return real(*arguments, **options)

    return call


def test_one_file_is_replaced_and_nothing_else_stays_behind(tmp_path: Path) -> None:
    replace_files(tmp_path, {tmp_path / "new" / "a.json": b"1"})
    replace_files(tmp_path, {tmp_path / "new" / "a.json": b"2"})
    assert contents_of(tmp_path) == {"new/a.json": b"2"}


def test_several_files_are_replaced_together(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    replace_files(tmp_path, {tmp_path / "a": b"1", tmp_path / "x" / "b": b"2"})
    assert contents_of(tmp_path) == {"a": b"1", "x/b": b"2"}


def test_nothing_to_replace_is_nothing(tmp_path: Path) -> None:
    replace_files(tmp_path, {})
    assert list(tmp_path.iterdir()) == []
    assert contents_of(tmp_path) == {}
    assert finish_replacement(tmp_path) is False


@pytest.mark.parametrize("function", ["replace", "fsync"])
@pytest.mark.parametrize("step", range(12))
def test_a_crash_at_any_step_leaves_all_old_or_all_new(
    step: int, function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = {"a": b"old a", "x/b": b"old b"}
    (tmp_path / "x").mkdir()
    for name, body in old.items():
        (tmp_path / name).write_bytes(body)
    new = {tmp_path / "a": b"new a", tmp_path / "x" / "b": b"new b", tmp_path / "c": b"new c"}
    with monkeypatch.context() as patch:
        patch.setattr(os, function, crashing_at(step, getattr(os, function)))
        with contextlib.suppress(Crash):
            replace_files(tmp_path, new)
    finish_replacement(tmp_path)
    found = {name: body for name, body in contents_of(tmp_path).items() if not name.endswith(".new")}
    assert found in (old, {"a": b"new a", "x/b": b"new b", "c": b"new c"})


def test_what_a_crash_left_is_carried_out_before_the_next_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crashing_at(1, os.replace))
        with pytest.raises(Crash):
            replace_files(tmp_path, {tmp_path / "a": b"1", tmp_path / "b": b"1"})
    assert "a" not in contents_of(tmp_path)
    replace_files(tmp_path, {tmp_path / "b": b"2"})
    assert contents_of(tmp_path) == {"a": b"1", "b": b"2"}


def test_a_disk_that_is_full_changes_nothing_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(OSError, match="No space"):
            replace_files(tmp_path, {tmp_path / "a": b"1", tmp_path / "b": b"2"})
    assert contents_of(tmp_path) == {"a": b"old"}


@settings(deadline=None)  # a disk may be slow
@given(
    changes=st.lists(
        st.dictionaries(st.sampled_from(["a", "b", "x/c", "x/y/d"]), st.binary(max_size=8), max_size=4),
        max_size=4,
    )
)
def test_the_last_content_of_every_file_is_what_stays(
    changes: list[dict[str, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("folder")
    for change in changes:
        replace_files(folder, {folder / name: body for name, body in change.items()})
    expected = {name: body for change in changes for name, body in change.items()}
    assert contents_of(folder) == expected


def test_a_rename_that_is_never_allowed_fails_and_leaves_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def forbidden(_source: Path, _target: Path) -> None:
        raise PermissionError(13, "not allowed")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", forbidden)
        with pytest.raises(PermissionError):
            replace_files(tmp_path, {tmp_path / "a": b"1"})
    assert contents_of(tmp_path) == {"a": b"old"}
