"""Safetensors files written by hand, and their hash computed in the plainest way."""

import hashlib
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class GivenTensor:
    name: str
    dtype: str
    shape: tuple[int, ...]
    body: bytes


def a_tensor(name: str, body: bytes = b"\x01\x02\x03\x04", dtype: str = "U8") -> GivenTensor:
    return GivenTensor(name, dtype, (len(body),), body)


def safetensors(tensors: Iterable[GivenTensor], *, metadata: dict[str, str] | None = None) -> bytes:
    """Return a file that holds the tensors in the order given."""
    header: dict[str, object] = {} if metadata is None else {"__metadata__": metadata}
    body = b""
    for item in tensors:
        offsets = [len(body), len(body) + len(item.body)]
        header[item.name] = {"dtype": item.dtype, "shape": list(item.shape), "data_offsets": offsets}
        body += item.body
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def plain_hash(tensors: Iterable[GivenTensor]) -> str:
    """Return the content hash as data-model.md section 10 words it."""
    content = b""
    for item in sorted(tensors, key=lambda item: item.name.encode()):
        name, dtype = item.name.encode(), item.dtype.encode()
        content += struct.pack("<Q", len(name)) + name + struct.pack("<Q", len(dtype)) + dtype
        content += struct.pack(f"<{len(item.shape) + 2}Q", len(item.shape), *item.shape, len(item.body))
        content += item.body
    return hashlib.sha256(content).hexdigest()


def a_checkpoint(folder: Path, *tensors: GivenTensor, name: str = "model.safetensors") -> Path:
    path = folder / name
    path.write_bytes(safetensors(tensors))
    return path
