"""Small helpers of the contract (python-client.md section 12)."""

import json
from pathlib import Path

import pytest

from horde_model_reference.util import atomic_write_json, model_name_to_showcase_folder_name


def test_folder_of_showcases_is_plain() -> None:
    assert model_name_to_showcase_folder_name("Bob's Model v1.5 (Ünder)") == "bobs_model_v1_5___nder_"


def test_value_is_written_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "value.json"

    atomic_write_json(path, {"ü": 1})
    atomic_write_json(str(path), {"ü": 2})

    assert json.loads(path.read_text(encoding="utf-8")) == {"ü": 2}
    assert "ü" not in path.read_text(encoding="utf-8")
    assert list(path.parent.iterdir()) == [path]


def test_value_can_be_written_in_its_own_letters(tmp_path: Path) -> None:
    atomic_write_json(tmp_path / "value.json", ["ü"], ensure_ascii=False)

    assert "ü" in (tmp_path / "value.json").read_text(encoding="utf-8")


@pytest.mark.parametrize(("value", "error"), [({1, 2}, TypeError), ("\ud800", UnicodeEncodeError)])
def test_value_that_is_no_json_leaves_the_old_file(
    tmp_path: Path, value: object, error: type[Exception]
) -> None:
    path = tmp_path / "value.json"
    atomic_write_json(path, "old")

    with pytest.raises(error):
        atomic_write_json(path, value, ensure_ascii=False)

    assert path.read_text(encoding="utf-8") == '"old"'
    assert list(tmp_path.iterdir()) == [path]


def test_file_that_cannot_be_replaced_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "value.json").mkdir()

    with pytest.raises(OSError, match=r"value\.json"):
        atomic_write_json(tmp_path / "value.json", 1)

    assert [path.name for path in tmp_path.iterdir()] == ["value.json"]
