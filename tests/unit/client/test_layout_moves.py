import os
from pathlib import Path

import pytest

from horde_model_reference.cli.layout_moves import plan_moves
from horde_model_reference.cli.migrate_layout import main, migrate
from horde_model_reference.component_identity import sidecar_path_for
from horde_model_reference.download_engine import md5_of, sha256_of
from horde_model_reference.downloads.checksums import MD5, remembered_checksum
from horde_model_reference.model_reference_records import (
    DownloadRecord,
    GenericModelRecordConfig,
    ImageGenerationModelRecord,
)

LONG_AGO = (1_000_000_000, 1_000_000_000)


def a_model(*files: tuple[str, str | None], name: str = "m") -> ImageGenerationModelRecord:
    downloads = [
        DownloadRecord(file_name=file, file_url="u", file_purpose=purpose) for file, purpose in files
    ]
    config = GenericModelRecordConfig(download=downloads)
    return ImageGenerationModelRecord(name=name, baseline="qwen_image", nsfw=False, config=config)


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        os.utime(path, LONG_AGO)


def files_in(root: Path) -> dict[str, str]:
    paths = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_text() for path in paths}


MODEL = a_model(("m.safetensors", None), ("v.safetensors", "vae"), ("t.safetensors", "text_encoders"))


def test_a_dry_run_lists_and_leaves_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, "compvis/m.safetensors", "compvis/v.safetensors")
    before = files_in(tmp_path)
    assert migrate([MODEL], tmp_path, apply=False) == 0
    assert files_in(tmp_path) == before
    source, target = tmp_path / "compvis" / "v.safetensors", tmp_path / "vae" / "v.safetensors"
    assert f"would be moved: {source} -> {target}\n" in capsys.readouterr().out


def test_parts_move_and_the_rest_stays(tmp_path: Path) -> None:
    put(tmp_path, "compvis/m.safetensors", "compvis/v.safetensors", "compvis/t.safetensors", "compvis/x")
    assert migrate([MODEL, MODEL], tmp_path, apply=True) == 0
    assert files_in(tmp_path) == {
        "compvis/m.safetensors": "compvis/m.safetensors",
        "compvis/x": "compvis/x",
        "text_encoders/t.safetensors": "compvis/t.safetensors",
        "vae/v.safetensors": "compvis/v.safetensors",
    }
    assert plan_moves([MODEL], tmp_path) == []


def test_what_is_known_about_a_part_goes_with_it(tmp_path: Path) -> None:
    put(tmp_path, "compvis/v.safetensors", "compvis/v.yaml")
    source, target = tmp_path / "compvis" / "v.safetensors", tmp_path / "vae" / "v.safetensors"
    checksums = sha256_of(source), md5_of(source)
    other = sha256_of(source.with_suffix(".yaml"))
    sidecar_path_for(source).write_text("{}")
    assert migrate([MODEL], tmp_path, apply=True) == 0
    assert (remembered_checksum(target), remembered_checksum(target, MD5)) == checksums
    assert sidecar_path_for(target).read_text() == "{}"
    assert remembered_checksum(source.with_suffix(".yaml")) == other
    assert sorted(path.name for path in source.parent.iterdir()) == ["v.sha256", "v.yaml"]


def test_an_existing_file_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, "compvis/v.safetensors", "vae/v.safetensors")
    before = files_in(tmp_path)
    assert migrate([MODEL], tmp_path, apply=True) == 0
    assert files_in(tmp_path) == before
    assert "there is a file already" in capsys.readouterr().out


def test_a_note_that_is_in_the_way_stays(tmp_path: Path) -> None:
    put(tmp_path, "compvis/v.safetensors")
    source, target = tmp_path / "compvis" / "v.safetensors", tmp_path / "vae" / "v.safetensors"
    put(tmp_path, "vae/" + sidecar_path_for(target).name)
    sidecar_path_for(source).write_text("{}")
    assert migrate([MODEL], tmp_path, apply=True) == 0
    assert sidecar_path_for(target).read_text() == "vae/v.safetensors.component-identity.json"
    assert target.is_file()


def test_links_stay(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere", "compvis/m.safetensors")
    (tmp_path / "compvis" / "v.safetensors").symlink_to(tmp_path / "elsewhere")
    assert plan_moves([MODEL], tmp_path) == []


def test_a_file_that_another_model_wants_where_it_is_stays(tmp_path: Path) -> None:
    put(tmp_path, "compvis/v.safetensors")
    (move,) = plan_moves([MODEL, a_model(("v.safetensors", None))], tmp_path)
    assert move.obstacle is not None
    assert migrate([MODEL, a_model(("v.safetensors", None))], tmp_path, apply=True) == 0
    assert list(files_in(tmp_path)) == ["compvis/v.safetensors"]


def test_names_that_lead_out_of_the_weights_are_not_looked_at(tmp_path: Path) -> None:
    put(tmp_path, "x", "root/compvis/y")
    assert plan_moves([a_model(("../../x", "vae"))], tmp_path / "root") == []


def test_a_failed_move_is_told_and_does_not_keep_others_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path, "compvis/v.safetensors", "compvis/t.safetensors", "vae")
    assert migrate([MODEL], tmp_path, apply=True) == 1
    assert "text_encoders/t.safetensors" in files_in(tmp_path)
    assert "failed: " in capsys.readouterr().out


def test_parts_also_move_to_another_disk(small_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("weights")
    put(root, "compvis/v.safetensors")
    (root / "vae").symlink_to(small_disk)
    assert migrate([MODEL], root, apply=True) == 0
    assert files_in(small_disk) == {"v.safetensors": "compvis/v.safetensors"}
    assert not (root / "compvis" / "v.safetensors").exists()


def test_what_does_not_fit_on_the_other_disk_stays(
    small_disk: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("weights")
    put(root, "compvis/v.safetensors")
    (root / "compvis" / "v.safetensors").write_bytes(b"x" * 1_000_000)
    (root / "vae").symlink_to(small_disk)
    assert migrate([MODEL], root, apply=True) == 1
    assert (files_in(small_disk), (root / "compvis" / "v.safetensors").stat().st_size) == ({}, 1_000_000)


def test_the_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "--cache-home" in capsys.readouterr().out
