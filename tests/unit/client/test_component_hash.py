import json
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horde_model_reference import meta_consts
from horde_model_reference.component_hash import (
    ComponentKind,
    NoComponentTensorsError,
    UnsupportedContainerError,
    extract_embedded_vae_file,
    hash_embedded_component_file,
    hash_standalone_component_file,
)
from support.safetensors_files import GivenTensor, a_checkpoint, a_tensor, plain_hash, safetensors

VAE_PREFIXES = ("first_stage_model.", "vae.")
TEXT_PREFIXES = ("conditioner.embedders.", "cond_stage_model.")


def renamed(tensor: GivenTensor, name: str) -> GivenTensor:
    return GivenTensor(name, tensor.dtype, tensor.shape, tensor.body)


@st.composite
def tensors(draw: st.DrawFn, prefixes: tuple[str, ...] = ("",)) -> list[GivenTensor]:
    """Draw tensors of all shapes, in any order, whose names differ behind their prefixes."""
    found = []
    for name in draw(st.lists(st.text(max_size=8), unique=True, max_size=6)):
        dtype, size = draw(st.sampled_from([("F32", 4), ("F16", 2), ("U8", 1), ("I64", 8)]))
        shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
        count = size
        for dimension in shape:
            count *= dimension
        body = draw(st.binary(min_size=count, max_size=count))
        found.append(GivenTensor(draw(st.sampled_from(prefixes)) + name, dtype, shape, body))
    return found


@settings(deadline=None)  # a disk may be slow
@given(tensors(VAE_PREFIXES), tensors(TEXT_PREFIXES), st.data())
def test_hashes_are_those_of_the_definition(
    vae: list[GivenTensor], text: list[GivenTensor], data: st.DataObject
) -> None:
    rest = [a_tensor("model.diffusion_model.x"), a_tensor("vaex"), a_tensor("xvae.y")]
    with TemporaryDirectory() as folder:
        path = a_checkpoint(Path(folder), *data.draw(st.permutations([*vae, *text, *rest])))
        for kind, part, prefixes in (("vae", vae, VAE_PREFIXES), ("text_encoders", text, TEXT_PREFIXES)):
            own = [renamed(item, without(item.name, prefixes)) for item in part]
            if own:
                assert hash_embedded_component_file(path, kind) == plain_hash(own)
            else:
                with pytest.raises(NoComponentTensorsError):
                    hash_embedded_component_file(path, kind)


def without(name: str, prefixes: tuple[str, ...]) -> str:
    return next(name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix))


@settings(deadline=None)  # a disk may be slow
@given(tensors(VAE_PREFIXES).filter(bool), tensors(TEXT_PREFIXES))
def test_an_extracted_vae_has_the_hash_that_it_had_inside(
    vae: list[GivenTensor], text: list[GivenTensor]
) -> None:
    with TemporaryDirectory() as folder:
        path = a_checkpoint(Path(folder), *text, *vae)
        extracted = Path(folder, "new", "vae.safetensors")
        inside = hash_embedded_component_file(path, ComponentKind.vae)
        assert extract_embedded_vae_file(path, extracted) == inside
        assert hash_standalone_component_file(extracted) == inside
        assert [item.name for item in extracted.parent.iterdir()] == ["vae.safetensors"]


@settings(deadline=None)  # a disk may be slow
@given(tensors(("first_stage_model.",)).filter(bool))
def test_an_extracted_file_is_laid_out_as_readers_expect(vae: list[GivenTensor]) -> None:
    with TemporaryDirectory() as folder:
        extract_embedded_vae_file(a_checkpoint(Path(folder), *vae), Path(folder, "vae.safetensors"))
        body = Path(folder, "vae.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", body[:8])
    header, data = json.loads(body[8 : 8 + length]), body[8 + length :]
    assert length % 8 == 0
    offsets = sorted(entry["data_offsets"] for entry in header.values())
    assert [begin for begin, _ in offsets] == [0, *(end for _, end in offsets[:-1])]
    assert offsets[-1][1] == len(data)
    for item in vae:
        entry = header[item.name.removeprefix("first_stage_model.")]
        begin, end = entry["data_offsets"]
        assert (entry["dtype"], tuple(entry["shape"]), data[begin:end]) == (item.dtype, item.shape, item.body)


@settings(deadline=None)  # a disk may be slow
@given(tensors().filter(bool))
def test_metadata_and_order_do_not_change_the_hash_of_a_file(given_tensors: list[GivenTensor]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "vae.safetensors")
        path.write_bytes(safetensors(reversed(given_tensors), metadata={"format": "pt"}))
        assert hash_standalone_component_file(str(path)) == plain_hash(given_tensors)


def test_a_tensor_bigger_than_a_piece_is_hashed_whole(tmp_path: Path) -> None:
    tensor = a_tensor("vae.big", bytes(range(256)) * 12_345)
    path = a_checkpoint(tmp_path, a_tensor("x"), tensor)
    assert hash_embedded_component_file(path, "vae") == plain_hash([renamed(tensor, "big")])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"PK\x03\x04 a pickle in a zip file",
        b"\x80\x02}q\x00.",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 100) + b"{}",
        struct.pack("<Q", 4) + b"{'a'",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 2) + b"\xff\xff",
        struct.pack("<Q", 0),
        struct.pack("<Q", 200_000) + b"[" * 200_000,
    ],
)
def test_other_files_are_unsupported(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(body)
    with pytest.raises(UnsupportedContainerError):
        hash_standalone_component_file(path)
    assert issubclass(UnsupportedContainerError, ValueError)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        {"dtype": 1, "shape": [], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [True], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [2**64], "data_offsets": [0, 0]},
        {"dtype": "F32", "shape": [], "data_offsets": [4, 0]},
        {"dtype": "F32", "shape": [], "data_offsets": [0]},
        {"dtype": "F32", "shape": [], "data_offsets": [0, 5]},
        {"dtype": "\udc00", "shape": [], "data_offsets": [0, 0]},
    ],
)
def test_a_file_with_a_broken_tensor_is_unsupported(entry: object, tmp_path: Path) -> None:
    header = json.dumps(
        {"vae.good": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "x": entry}
    ).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"abcd")
    with pytest.raises(UnsupportedContainerError):
        hash_embedded_component_file(path, "vae")


def test_a_file_without_tensors_has_no_hash(tmp_path: Path) -> None:
    with pytest.raises(NoComponentTensorsError):
        hash_standalone_component_file(a_checkpoint(tmp_path))
    assert issubclass(NoComponentTensorsError, LookupError)


def test_nothing_is_extracted_where_two_tensors_would_have_one_name(tmp_path: Path) -> None:
    path = a_checkpoint(tmp_path, a_tensor("vae.a"), a_tensor("first_stage_model.a"))
    with pytest.raises(UnsupportedContainerError):
        extract_embedded_vae_file(path, tmp_path / "vae.safetensors")
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def test_a_missing_file_and_an_unknown_kind_are_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        hash_standalone_component_file(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="unet"):
        hash_embedded_component_file(a_checkpoint(tmp_path), "unet")


def test_there_is_one_enumeration_of_kinds() -> None:
    assert ComponentKind is meta_consts.ComponentKind
