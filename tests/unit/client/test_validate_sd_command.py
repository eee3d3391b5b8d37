from pathlib import Path

import pytest

from horde_model_reference.legacy.validate_sd import main
from support.model_records import a_legacy_image, canonical_file

CANONICAL = canonical_file({"a": a_legacy_image("a")})
UNTIDY = CANONICAL.replace(b"    ", b"\t")


def a_file(folder: Path, body: bytes) -> Path:
    path = folder / "stable_diffusion.json"
    path.write_bytes(body)
    return path


def test_a_canonical_file_is_status_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = a_file(tmp_path, CANONICAL)
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == f"{path} is canonical\n"


@pytest.mark.parametrize("body", [UNTIDY, b"{", CANONICAL.replace(b"stable diffusion 1", b"no such")])
def test_another_file_is_status_1(body: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = a_file(tmp_path, body)
    assert main([str(path)]) == 1
    assert capsys.readouterr().out == f"{path} is not canonical\n"


def test_a_missing_file_is_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.json")]) == 1
    assert "none.json" in capsys.readouterr().err


def test_the_canonical_form_can_be_written(tmp_path: Path) -> None:
    path, out = a_file(tmp_path, UNTIDY), tmp_path / "out.json"
    assert main([str(path), "--write", str(out)]) == 1
    assert out.read_bytes() == CANONICAL
    assert main([str(out), "--write", str(out)]) == 0
    assert out.read_bytes() == CANONICAL


@pytest.mark.parametrize(
    "body", [b"{", CANONICAL.replace(b"stable diffusion 1", b"no such"), b'{"a": {"config": 5}}']
)
def test_nothing_is_written_of_invalid_records(body: bytes, tmp_path: Path) -> None:
    assert main([str(a_file(tmp_path, body)), "--write", str(tmp_path / "out.json")]) == 1
    assert not (tmp_path / "out.json").exists()


def test_a_file_that_cannot_be_written_is_status_1(tmp_path: Path) -> None:
    assert main([str(a_file(tmp_path, CANONICAL)), "--write", str(tmp_path / "none" / "out.json")]) == 1
