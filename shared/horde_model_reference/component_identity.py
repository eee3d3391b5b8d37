"""What is known about the parts of a checkpoint, kept in a file beside it (data-model.md section 10)."""

import logging
from io import FileIO
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from horde_model_reference.component_hash import extract_embedded_vae_file
from horde_model_reference.components.errors import NoComponentTensorsError
from horde_model_reference.components.local_tensors import hash_tensors, read_tensors
from horde_model_reference.components.safetensors_header import Tensor, select_component
from horde_model_reference.files.whole import replace_file
from horde_model_reference.meta_consts import ComponentKind

log = logging.getLogger(__name__)

SIDECAR_SUFFIX: Final = ".component-identity.json"
SCHEMA_VERSION: Final = 1
_HASH_DIGITS_OF_A_NAME: Final = 16


class EmbeddedComponentIdentity(BaseModel):
    """A part inside a checkpoint. `extracted_file_name` is set once it also is a file of its own."""

    model_config = ConfigDict(frozen=True)

    content_hash: str
    tensor_bytes: int = Field(ge=0)
    extracted_file_name: str | None = None


class ComponentIdentity(BaseModel):
    """A checkpoint and the parts of it that have a hash of their own."""

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = SCHEMA_VERSION
    ckpt_file_name: str
    ckpt_size_bytes: int = Field(ge=0)
    total_tensor_bytes: int = Field(ge=0)
    embedded: dict[ComponentKind, EmbeddedComponentIdentity] = Field(default_factory=dict)

    @property
    def residual_tensor_bytes(self) -> int:
        """The bytes of the tensors that belong to none of the parts."""
        return self.total_tensor_bytes - sum(item.tensor_bytes for item in self.embedded.values())


def sidecar_path_for(path: str | Path) -> Path:
    """Return where the parts of a checkpoint are noted."""
    return Path(f"{path}{SIDECAR_SUFFIX}")


def read_sidecar(path: str | Path) -> ComponentIdentity | None:
    """Return what is noted about a checkpoint.

    None if nothing is, or it is damaged, or was noted about another file: one of another size, or an older
    one.
    """
    sidecar = sidecar_path_for(path)
    try:
        status, noted = Path(path).stat(), sidecar.stat()
        identity = ComponentIdentity.model_validate_json(sidecar.read_bytes())
    except (OSError, ValidationError) as error:
        log.debug("nothing is known about the parts of %s: %s", path, error)
        return None
    # fine-tunes of one base model are all of the same size
    is_fresh = identity.ckpt_size_bytes == status.st_size and noted.st_mtime_ns >= status.st_mtime_ns
    return identity if is_fresh else None


def ensure_sidecar(
    path: str | Path, *, extract_vae: bool = False, extraction_dir: str | Path | None = None
) -> ComponentIdentity:
    """Return what is noted about a checkpoint; if nothing is, read it and note it.

    With `extract_vae` its VAE, if it has one, is also written to a file in `extraction_dir` named
    `vae-<first 16 digits>.safetensors`, unless it is there. Raises `ValueError` without that folder,
    `UnsupportedContainerError` for a file that is no safetensors file, and `OSError`.
    """
    if extract_vae and extraction_dir is None:
        raise ValueError("a VAE cannot be extracted without a folder for it")
    checkpoint = Path(path)
    identity = read_sidecar(checkpoint) or _examined(checkpoint)
    if extract_vae and extraction_dir is not None:
        identity = _with_extracted_vae(checkpoint, identity, Path(extraction_dir))
    if identity != read_sidecar(checkpoint):
        _note(checkpoint, identity)
    return identity


def _note(path: Path, identity: ComponentIdentity) -> None:
    try:
        replace_file(sidecar_path_for(path), identity.model_dump_json(indent=2).encode() + b"\n")
    except OSError as error:
        log.warning("what is known about the parts of %s is not kept: %s", path, error)


def _examined(path: Path) -> ComponentIdentity:
    with FileIO(path, "r") as file:
        tensors = read_tensors(file)
        parts = {kind: _part(tensors, kind) for kind in ComponentKind}
        embedded = {
            kind: EmbeddedComponentIdentity(
                content_hash=hash_tensors(file, part), tensor_bytes=sum(item.size for item in part)
            )
            for kind, part in parts.items()
            if part
        }
    return ComponentIdentity(
        ckpt_file_name=path.name,
        ckpt_size_bytes=path.stat().st_size,
        total_tensor_bytes=sum(item.size for item in tensors),
        embedded=embedded,
    )


def _part(tensors: list[Tensor], kind: ComponentKind) -> list[Tensor]:
    try:
        return select_component(tensors, kind)
    except NoComponentTensorsError:
        return []


def _with_extracted_vae(path: Path, identity: ComponentIdentity, folder: Path) -> ComponentIdentity:
    vae = identity.embedded.get(ComponentKind.vae)
    if vae is None:
        return identity
    name = f"vae-{vae.content_hash[:_HASH_DIGITS_OF_A_NAME]}.safetensors"
    target = folder / name
    if not target.is_file() and extract_embedded_vae_file(path, target) != vae.content_hash:
        target.unlink(missing_ok=True)  # what was noted is not true: the file is another one by now
        return _with_extracted_vae(path, _examined(path), folder)
    embedded = {**identity.embedded, ComponentKind.vae: vae.model_copy(update={"extracted_file_name": name})}
    return identity.model_copy(update={"embedded": embedded})
