import hashlib
import os
from pathlib import Path

import pytest

from horde_model_reference.download_engine import md5_of, sha256_of
from horde_model_reference.downloads.checksums import (
    MD5,
    HashingStopped,
    forget_checksum,
    known_sha256,
    remember_checksum,
    remembered_checksum,
)

AN_OLD_HASH = "12" * 32
LATER = 2_000_000_000  # seconds: in the year 2033


def a_file(folder: Path, name: str = "model.safetensors", body: bytes = b"weights") -> Path:
    """Make a file that was changed long ago."""
    path = folder / name
    path.write_bytes(body)
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


def a_side_file(path: Path, text: str, suffix: str = ".sha256") -> Path:
    side = path.with_suffix(suffix)
    side.write_text(text)
    return side


def true_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_checksum_is_computed_and_kept_in_a_side_file(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    assert sha256_of(path) == true_hash(path)
    line = (tmp_path / "model.sha256").read_text().splitlines()[0]
    assert line == f"{true_hash(path)} *model.safetensors"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["model.safetensors", "model.sha256"]


def test_an_md5_is_kept_in_a_side_file_of_its_own(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    expected = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    assert md5_of(str(path)) == expected
    assert (tmp_path / "model.md5").read_text().startswith(f"{expected} *model.safetensors\n")


def test_a_missing_file_has_no_md5_and_its_sha256_is_an_error(tmp_path: Path) -> None:
    assert md5_of(tmp_path / "none.bin") is None
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "none.bin")


@pytest.mark.parametrize(
    "line",
    [f"{AN_OLD_HASH} *model.safetensors", f"{AN_OLD_HASH.upper()}  model.safetensors\r\n", AN_OLD_HASH],
)
def test_a_side_file_of_an_older_program_is_believed(tmp_path: Path, line: str) -> None:
    path = a_file(tmp_path)
    a_side_file(path, line)
    assert sha256_of(path) == AN_OLD_HASH


def test_a_side_file_older_than_the_file_is_replaced(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    side = a_side_file(path, f"{AN_OLD_HASH} *model.safetensors")
    os.utime(side, (999_999_999, 999_999_999))
    assert sha256_of(path) == true_hash(path)
    assert AN_OLD_HASH not in side.read_text()


def test_a_side_file_as_old_as_the_file_is_not_believed(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    os.utime(a_side_file(path, f"{AN_OLD_HASH} *model.safetensors"), ns=(0, path.stat().st_mtime_ns))
    assert sha256_of(path) == true_hash(path)


def test_a_side_file_about_another_file_of_the_stem_is_not_believed(tmp_path: Path) -> None:
    path, other = a_file(tmp_path), a_file(tmp_path, "model.ckpt", b"other weights")
    a_side_file(other, f"{AN_OLD_HASH} *model.ckpt")
    assert sha256_of(path) == true_hash(path)
    assert sha256_of(other) == AN_OLD_HASH


def test_a_side_file_that_names_no_file_is_not_believed_where_it_may_mean_another(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    a_file(tmp_path, "model.yaml")
    a_side_file(path, AN_OLD_HASH)
    assert sha256_of(path) == true_hash(path)


def test_files_that_differ_only_in_their_extension_keep_their_checksums(tmp_path: Path) -> None:
    paths = [a_file(tmp_path, f"model.{end}", end.encode()) for end in ("safetensors", "ckpt", "yaml")]
    expected = [true_hash(path) for path in paths]
    assert [sha256_of(path) for path in paths] == expected
    assert [remembered_checksum(path) for path in paths] == expected


def test_the_latest_checksum_stands_first(tmp_path: Path) -> None:
    paths = [a_file(tmp_path, f"model.{end}", end.encode()) for end in ("safetensors", "ckpt")]
    for path in paths:
        sha256_of(path)
        assert (tmp_path / "model.sha256").read_text().split()[0] == true_hash(path)


def test_a_file_changed_under_a_newer_side_file_is_hashed_again(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    sha256_of(path)
    path.write_bytes(b"changed")
    os.utime(path, (1_000_000_001, 1_000_000_001))
    assert sha256_of(path) == true_hash(path)


def test_writing_one_checksum_does_not_refresh_a_stale_one(tmp_path: Path) -> None:
    path, other = a_file(tmp_path), a_file(tmp_path, "model.ckpt")
    side = a_side_file(other, f"{AN_OLD_HASH} *model.ckpt")
    os.utime(side, (1_000_000_001, 1_000_000_001))
    os.utime(other, (1_000_000_002, 1_000_000_002))
    sha256_of(path)
    os.utime(side, (LATER, LATER))
    assert sha256_of(other) == true_hash(other)


def test_a_removed_side_file_is_made_again(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    sha256_of(path)
    (tmp_path / "model.sha256").unlink()
    assert remembered_checksum(path) is None
    assert sha256_of(path) == true_hash(path)


@pytest.mark.parametrize("text", ["", "rubbish", "12 *model.safetensors", "\udcff\x00"])
def test_a_damaged_side_file_is_replaced(tmp_path: Path, text: str) -> None:
    path = a_file(tmp_path)
    path.with_suffix(".sha256").write_bytes(text.encode(errors="surrogateescape"))
    assert sha256_of(path) == true_hash(path)
    assert remembered_checksum(path) == true_hash(path)


def test_a_file_that_is_named_like_a_side_file_is_not_overwritten(tmp_path: Path) -> None:
    path = a_file(tmp_path, "model.sha256", b"weights all the same")
    assert sha256_of(path) == hashlib.sha256(b"weights all the same").hexdigest()
    assert path.read_bytes() == b"weights all the same"


def test_a_folder_in_the_way_of_the_side_file_does_no_harm(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    path.with_suffix(".sha256").mkdir()
    assert sha256_of(path) == true_hash(path)
    forget_checksum(path)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["model.safetensors", "model.sha256"]


def test_forgetting_one_checksum_keeps_those_of_the_others(tmp_path: Path) -> None:
    path, other = a_file(tmp_path), a_file(tmp_path, "model.ckpt", b"other")
    sha256_of(path)
    sha256_of(other)
    forget_checksum(path)
    assert (remembered_checksum(path), remembered_checksum(other)) == (None, true_hash(other))
    forget_checksum(other)
    assert not (tmp_path / "model.sha256").exists()


def test_the_kinds_of_checksums_do_not_mix(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    remember_checksum(path, "ab" * 16, MD5)
    assert (remembered_checksum(path, MD5), remembered_checksum(path)) == ("ab" * 16, None)


def test_hashing_stops_when_it_is_told_to(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    with pytest.raises(HashingStopped):
        sha256_of(path, stop=lambda: True)
    assert not (tmp_path / "model.sha256").exists()


@pytest.mark.parametrize(
    ("text", "known"), [(None, None), ("", None), ("FIXME", None), ("fixme", None), ("AB" * 32, "ab" * 32)]
)
def test_some_texts_stand_for_an_unknown_hash(text: str | None, known: str | None) -> None:
    assert known_sha256(text) == known
