"""The back ends: where raw references come from. Each is loaded when it is first asked for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from horde_model_reference.late_names import imported_late

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

_NAMES: Final[Mapping[str, str]] = {
    "base": "ModelReferenceBackend",
    "filesystem": "FileSystemBackend",
    "github": "GitHubBackend",
    "http": "HTTPBackend",
    "local_read_only": "LocalReadOnlyBackend",
    "redis": "RedisBackend",
    "replica_base": "ReplicaBackendBase",
}
"""Module to the names that stand for it here; the imports above say the same to type checkers."""

if not TYPE_CHECKING:  # to a type checker a name that is not imported above is a mistake
    __getattr__, __dir__ = imported_late(__name__, globals(), _NAMES)
