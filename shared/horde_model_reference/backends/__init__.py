"""The back ends: where raw references come from. Each is loaded when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from horde_model_reference.backends.base import ModelReferenceBackend
    from horde_model_reference.backends.filesystem import FileSystemBackend
    from horde_model_reference.backends.github import GitHubBackend
    from horde_model_reference.backends.http import HTTPBackend
    from horde_model_reference.backends.local_read_only import LocalReadOnlyBackend
    from horde_model_reference.backends.redis import RedisBackend
    from horde_model_reference.backends.replica_base import ReplicaBackendBase

__all__ = [
    "FileSystemBackend",
    "GitHubBackend",
    "HTTPBackend",
    "LocalReadOnlyBackend",
    "ModelReferenceBackend",
    "RedisBackend",
    "ReplicaBackendBase",
]

_MODULES: Final = {
    "FileSystemBackend": "filesystem",
    "GitHubBackend": "github",
    "HTTPBackend": "http",
    "LocalReadOnlyBackend": "local_read_only",
    "ModelReferenceBackend": "base",
    "RedisBackend": "redis",
    "ReplicaBackendBase": "replica_base",
}


def __getattr__(name: str) -> object:
    try:
        module = _MODULES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    found: object = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
