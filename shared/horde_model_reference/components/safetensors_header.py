"""The header of a safetensors file: which tensors it holds, and where.

A file is the length of its header (8 bytes, little-endian), the header, which is a JSON object, and the bytes
of the tensors.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from horde_model_reference.components.errors import NoComponentTensorsError, UnsupportedContainerError
from horde_model_reference.lenient_json import read_object
from horde_model_reference.meta_consts import ComponentKind

LENGTH_BYTES: Final = 8
MAX_HEADER_BYTES: Final = 256 * 1024 * 1024
_ALIGNMENT_BYTES: Final = 8
_METADATA: Final = "__metadata__"
_MAX_NUMBER: Final = 2**64 - 1

COMPONENT_PREFIXES: Final[Mapping[ComponentKind, tuple[str, ...]]] = {
    ComponentKind.vae: ("first_stage_model.", "vae."),
    ComponentKind.text_encoders: ("conditioner.embedders.", "cond_stage_model."),
}
"""How the names of the tensors begin that make up a part of a checkpoint."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor; its bytes lie from `begin` to `end`, counted from the start of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self.end - self.begin


def header_length(first_bytes: bytes) -> int:
    """Return the length of the header. Raises `UnsupportedContainerError`."""
    length = int.from_bytes(first_bytes, "little")
    if len(first_bytes) != LENGTH_BYTES or not 2 <= length <= MAX_HEADER_BYTES:
        raise UnsupportedContainerError("this is no safetensors file: it does not begin with its header")
    return length


def parse_header(header: bytes, file_size: int) -> list[Tensor]:
    """Return all tensors in the order of the header. Raises `UnsupportedContainerError`."""
    try:
        entries = read_object(header.decode())
    except ValueError as error:
        raise UnsupportedContainerError(f"this is no safetensors file: {error}") from None
    start = LENGTH_BYTES + len(header)
    tensors = [_tensor(name, entry, start) for name, entry in entries.items() if name != _METADATA]
    for item in tensors:
        if item.end > file_size:
            raise UnsupportedContainerError(f"the file ends before its tensor {item.name!r} does")
    return tensors


def select_component(tensors: Iterable[Tensor], kind: ComponentKind | str) -> list[Tensor]:
    """Return the tensors of a part under the names that they have outside of the checkpoint, sorted by them.

    Raises `NoComponentTensorsError`.
    """
    prefixes = COMPONENT_PREFIXES[ComponentKind(kind)]
    found = [
        _renamed(item, prefix) for item in tensors for prefix in prefixes if item.name.startswith(prefix)
    ]
    if not found:
        raise NoComponentTensorsError(f"no tensor has a name as those of {kind} have")
    return in_order(found)


def in_order(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return the tensors in the order in which they are hashed."""
    return sorted(tensors, key=lambda item: item.name)


def hashed_before(tensor: Tensor) -> bytes:
    """Return what is hashed before the bytes of a tensor (data-model.md section 10)."""
    parts = [_text(tensor.name), _text(tensor.dtype), _number(len(tensor.shape))]
    parts += [_number(dimension) for dimension in tensor.shape]
    return b"".join([*parts, _number(tensor.size)])


def render_header(tensors: Iterable[Tensor]) -> tuple[bytes, list[Tensor]]:
    """Return the beginning of a file of these tensors, and them with their places in it, in its order.

    Those of big elements come first, so that each lies at a multiple of the size of its elements.
    """
    ordered = sorted(tensors, key=lambda item: (-_element_size(item), item.name))
    entries: dict[str, Any] = {}
    offset = 0
    for item in ordered:
        offsets = [offset, offset + item.size]
        entries[item.name] = {"dtype": item.dtype, "shape": list(item.shape), "data_offsets": offsets}
        offset += item.size
    if len(entries) != len(ordered):
        raise UnsupportedContainerError("two of its tensors have the same name outside of it")
    body = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    body += b" " * (-len(body) % _ALIGNMENT_BYTES)
    return _number(len(body)) + body, parse_header(body, LENGTH_BYTES + len(body) + offset)


def _tensor(name: str, entry: object, start: int) -> Tensor:
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [begin, end]} if (
            _is_text(name, dtype) and _are_numbers([*shape, begin, end]) and begin <= end
        ):
            return Tensor(name, dtype, tuple(shape), start + begin, start + end)
        case _:
            raise UnsupportedContainerError(f"the tensor {name!r} cannot be understood")


def _is_text(*texts: str) -> bool:
    """Say whether they can be written as UTF-8, which half a surrogate pair cannot."""
    try:
        return all(text.encode() or True for text in texts)
    except UnicodeEncodeError:
        return False


def _are_numbers(values: list[object]) -> bool:
    return all(type(value) is int and 0 <= value <= _MAX_NUMBER for value in values)


def _renamed(tensor: Tensor, prefix: str) -> Tensor:
    return Tensor(tensor.name.removeprefix(prefix), tensor.dtype, tensor.shape, tensor.begin, tensor.end)


def _element_size(tensor: Tensor) -> int:
    count = 1
    for dimension in tensor.shape:
        count *= dimension
    return tensor.size // count if count else 0


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _number(len(encoded)) + encoded


def _number(value: int) -> bytes:
    return value.to_bytes(8, "little")
