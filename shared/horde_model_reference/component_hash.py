"""Hashes of the parts of checkpoints that do not depend on the file around them (data-model.md section 10).

Only safetensors files are read: others can run code when they are opened.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from horde_model_reference.components.errors import (
    NoComponentTensorsError,
    RangeNotSupportedError,
    UnsupportedContainerError,
)
from horde_model_reference.components.local_tensors import extract_tensors, hash_tensors, read_tensors
from horde_model_reference.components.safetensors_header import Tensor, in_order, select_component
from horde_model_reference.downloads.blocking_twins import blocking
from horde_model_reference.downloads.outcome import with_token
from horde_model_reference.meta_consts import ComponentKind
from horde_model_reference.no_fork import no_fork

if TYPE_CHECKING:
    from horde_model_reference.components.remote_tensors import RemoteTensors

__all__ = [
    "ComponentKind",
    "NoComponentTensorsError",
    "RangeNotSupportedError",
    "UnsupportedContainerError",
    "extract_embedded_vae_file",
    "hash_embedded_component_file",
    "hash_embedded_component_url",
    "hash_embedded_component_url_async",
    "hash_standalone_component_file",
    "hash_standalone_component_url",
    "hash_standalone_component_url_async",
]


def hash_embedded_component_file(path: str | Path, kind: ComponentKind | str) -> str:
    """Return the hash of a part inside a checkpoint.

    Raises `UnsupportedContainerError`, `NoComponentTensorsError` and `OSError`.
    """
    with FileIO(path, "r") as file:
        return hash_tensors(file, select_component(read_tensors(file), kind))


def hash_standalone_component_file(path: str | Path) -> str:
    """Return the hash of a part that is a file of its own.

    Raises `UnsupportedContainerError`, `NoComponentTensorsError` and `OSError`.
    """
    with FileIO(path, "r") as file:
        return hash_tensors(file, _all_in_order(read_tensors(file)))


def extract_embedded_vae_file(src: str | Path, dst: str | Path) -> str:
    """Write the VAE of a checkpoint to a file of its own, and return the hash, which both have.

    The file is there wholly or not at all. Raises as `hash_embedded_component_file` does.
    """
    with FileIO(src, "r") as file:
        return extract_tensors(file, select_component(read_tensors(file), ComponentKind.vae), Path(dst))


async def hash_embedded_component_url_async(
    url: str,
    kind: ComponentKind | str,
    *,
    auth_query_token: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> str:
    """Return the hash of a part inside a checkpoint on a server; only that part of it is transferred.

    Raises as the hash of a file does, and `RangeNotSupportedError`; `ConnectionError` when it cannot be read.
    """
    open_remote_tensors = await asyncio.to_thread(_import_remote_tensors)
    async with open_remote_tensors(with_token(url, auth_query_token), extra_headers) as remote:
        tensors = await remote.tensors()
        return await remote.hash(select_component(tensors, kind))


async def hash_standalone_component_url_async(
    url: str,
    *,
    auth_query_token: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> str:
    """Return the hash of a part that is a file of its own on a server.

    Raises as the hash of a file does, and `RangeNotSupportedError`; `ConnectionError` when it cannot be read.
    """
    open_remote_tensors = await asyncio.to_thread(_import_remote_tensors)
    async with open_remote_tensors(with_token(url, auth_query_token), extra_headers) as remote:
        return await remote.hash(_all_in_order(await remote.tensors()))


hash_embedded_component_url: Final = blocking(
    "hash_embedded_component_url", hash_embedded_component_url_async
)
hash_standalone_component_url: Final = blocking(
    "hash_standalone_component_url", hash_standalone_component_url_async
)


def _all_in_order(tensors: list[Tensor]) -> list[Tensor]:
    if not tensors:
        raise NoComponentTensorsError("there is no tensor in the file")
    return in_order(tensors)


def _import_remote_tensors() -> Callable[..., AbstractAsyncContextManager["RemoteTensors"]]:
    """Import the HTTP stack, when the first file on a server is asked for."""
    with no_fork:
        from horde_model_reference.components.remote_tensors import open_remote_tensors  # noqa: PLC0415

    return open_remote_tensors
