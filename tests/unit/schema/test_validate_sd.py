from pathlib import Path

import pytest

from horde_model_reference.documents import Record
from horde_model_reference.legacy.validate_sd import validate_legacy_stable_diffusion_db
from support.model_records import a_legacy_image, canonical_file


def is_canonical(folder: Path, body: bytes, *, fail_on_extra: bool = False) -> bool:
    path = folder / "stable_diffusion.json"
    path.write_bytes(body)
    return validate_legacy_stable_diffusion_db(path, fail_on_extra=fail_on_extra)


def test_a_canonical_file_passes(tmp_path: Path) -> None:
    assert is_canonical(tmp_path, canonical_file({"a": a_legacy_image("a")}), fail_on_extra=True)


@pytest.mark.parametrize(
    "fields",
    [{"homepage": None}, {"min_bridge_version": 1}, {"unknown": 1}, {"tags": ["t"]}, {"baseline": "x"}],
)
def test_a_record_that_is_not_canonical_fails(tmp_path: Path, fields: Record) -> None:
    assert not is_canonical(tmp_path, canonical_file({"a": a_legacy_image("a") | fields}))


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"\n", b"\r\n"), (b"    ", b"\t"), (b"a model", "\u00e9".encode()), (b"}\n}\n", b"}\n}")],
)
def test_a_file_that_is_written_otherwise_fails(tmp_path: Path, old: bytes, new: bytes) -> None:
    body = canonical_file({"a": a_legacy_image("a")})
    assert old in body
    assert not is_canonical(tmp_path, body.replace(old, new))


def test_a_file_that_is_no_json_fails_and_says_why(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert not is_canonical(tmp_path, b"{")
    assert caplog.messages == ["stable_diffusion.json: line 1 column 2: expected a name in double quotes"]


def test_unknown_keys_of_files_are_canonical_unless_refused(tmp_path: Path) -> None:
    config = {"files": [{"path": "m", "directory": ""}], "download": []}
    body = canonical_file({"a": a_legacy_image("a", config=config)})
    assert is_canonical(tmp_path, body)
    assert not is_canonical(tmp_path, body, fail_on_extra=True)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        validate_legacy_stable_diffusion_db(tmp_path / "none.json")
