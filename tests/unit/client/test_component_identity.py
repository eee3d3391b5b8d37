import json
import os
from pathlib import Path

import pytest

from horde_model_reference.component_hash import (
    ComponentKind,
    UnsupportedContainerError,
    hash_embedded_component_file,
    hash_standalone_component_file,
)
from horde_model_reference.component_identity import ensure_sidecar, read_sidecar, sidecar_path_for
from support.safetensors_files import a_checkpoint, a_tensor

VAE = a_tensor("first_stage_model.a", b"1234")
TEXT = a_tensor("cond_stage_model.b", b"56")
REST = a_tensor("model.c", b"789")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_parts_of_a_checkpoint_are_noted_beside_it(tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path, VAE, TEXT, REST)
    identity = ensure_sidecar(path)
    assert json.loads((tmp_path / "model.safetensors.component-identity.json").read_bytes()) == {
        "schema_version": 1,
        "ckpt_file_name": "model.safetensors",
        "ckpt_size_bytes": path.stat().st_size,
        "total_tensor_bytes": 9,
        "embedded": {
            "vae": {
                "content_hash": hash_embedded_component_file(path, "vae"),
                "tensor_bytes": 4,
                "extracted_file_name": None,
            },
            "text_encoders": {
                "content_hash": hash_embedded_component_file(path, "text_encoders"),
                "tensor_bytes": 2,
                "extracted_file_name": None,
            },
        },
    }
    assert identity.residual_tensor_bytes == 3
    assert read_sidecar(str(path)) == identity
    assert sidecar_path_for(path).name in names_in(tmp_path)


def test_a_checkpoint_without_parts_is_noted_as_that(tmp_path: Path) -> None:
    identity = ensure_sidecar(a_checkpoint(tmp_path, REST))
    assert (identity.embedded, identity.residual_tensor_bytes) == ({}, 3)


def test_what_is_noted_is_not_computed_again(tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path, VAE)
    ensure_sidecar(path)
    noted = sidecar_path_for(path).read_text().replace('"tensor_bytes": 4', '"tensor_bytes": 3')
    sidecar_path_for(path).write_text(noted)
    assert ensure_sidecar(path).embedded[ComponentKind.vae].tensor_bytes == 3


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"schema_version": 2, "ckpt_file_name": "m", "ckpt_size_bytes": 1, "total_tensor_bytes": 1}',
    ],
)
def test_a_damaged_note_is_made_again(damage: bytes, tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path, VAE)
    first = ensure_sidecar(path)
    sidecar_path_for(path).write_bytes(damage)
    assert read_sidecar(path) is None
    assert ensure_sidecar(path) == first == read_sidecar(path)


def test_a_note_about_a_file_of_another_size_does_not_count(tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path, VAE)
    ensure_sidecar(path)
    path.write_bytes(path.read_bytes() + b"more")
    assert read_sidecar(path) is None


def test_a_note_older_than_the_file_does_not_count(tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path, VAE)
    ensure_sidecar(path)
    a_checkpoint(tmp_path, a_tensor(VAE.name, b"4321"))
    os.utime(path, (2_000_000_000, 2_000_000_000))
    assert read_sidecar(path) is None


def test_nothing_is_known_about_a_missing_file(tmp_path: Path) -> None:
    assert read_sidecar(tmp_path / "none.safetensors") is None
    with pytest.raises(FileNotFoundError):
        ensure_sidecar(tmp_path / "none.safetensors")


def test_other_files_are_unsupported_and_leave_nothing(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(b"a pickle, for all that is known")
    with pytest.raises(UnsupportedContainerError):
        ensure_sidecar(path)
    assert names_in(tmp_path) == ["model.ckpt"]


def test_a_vae_is_extracted_under_the_name_of_its_hash(tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path, VAE, TEXT)
    ensure_sidecar(path)
    identity = ensure_sidecar(path, extract_vae=True, extraction_dir=tmp_path / "vae")
    vae = identity.embedded[ComponentKind.vae]
    assert vae.extracted_file_name == f"vae-{vae.content_hash[:16]}.safetensors"
    assert names_in(tmp_path / "vae") == [vae.extracted_file_name]
    assert hash_standalone_component_file(tmp_path / "vae" / vae.extracted_file_name) == vae.content_hash
    assert read_sidecar(path) == identity


def test_an_extracted_vae_that_was_removed_is_extracted_again(tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path, VAE)
    first = ensure_sidecar(path, extract_vae=True, extraction_dir=tmp_path / "vae")
    (extracted,) = (tmp_path / "vae").iterdir()
    extracted.unlink()
    assert ensure_sidecar(path, extract_vae=True, extraction_dir=tmp_path / "vae") == first
    assert extracted.is_file()


def test_a_note_that_is_not_true_is_found_out_when_the_vae_is_extracted(tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path, VAE)
    true = ensure_sidecar(path).embedded[ComponentKind.vae].content_hash
    sidecar = sidecar_path_for(path)
    sidecar.write_text(sidecar.read_text().replace(true, "ab" * 32))
    identity = ensure_sidecar(path, extract_vae=True, extraction_dir=tmp_path / "vae")
    assert identity.embedded[ComponentKind.vae].content_hash == true
    assert names_in(tmp_path / "vae") == [f"vae-{true[:16]}.safetensors"]


def test_nothing_is_extracted_where_there_is_no_vae(tmp_path: Path) -> None:
    ensure_sidecar(a_checkpoint(tmp_path, TEXT), extract_vae=True, extraction_dir=tmp_path / "vae")
    assert not (tmp_path / "vae").exists()


def test_a_vae_is_not_extracted_to_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="folder"):
        ensure_sidecar(a_checkpoint(tmp_path, VAE), extract_vae=True)


def test_a_note_that_cannot_be_written_is_returned_all_the_same(tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path, VAE)
    sidecar_path_for(path).mkdir()
    assert ensure_sidecar(path).total_tensor_bytes == 4
    assert names_in(tmp_path) == [path.name, sidecar_path_for(path).name]
