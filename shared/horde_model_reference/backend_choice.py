"""Which back end a manager reads from when none is given (python-client.md section 5)."""

from pathlib import Path

from horde_model_reference.backends.base import ModelReferenceBackend
from horde_model_reference.backends.github import GitHubBackend
from horde_model_reference.backends.http import HTTPBackend
from horde_model_reference.backends.local_read_only import LocalReadOnlyBackend
from horde_model_reference.meta_consts import ReplicateMode
from horde_model_reference.no_fork import no_fork
from horde_model_reference.settings import horde_model_reference_settings


def chosen_backend(base_path: Path, mode: ReplicateMode, *, offline: bool) -> ModelReferenceBackend:
    """Return the back end that the settings and these mean.

    Raises `ImportError` where Redis is wanted and its package is not installed.
    """
    settings = horde_model_reference_settings
    ttl_seconds = settings.cache_ttl_seconds
    if offline:
        return LocalReadOnlyBackend(base_path=base_path, cache_ttl_seconds=ttl_seconds)
    if mode is ReplicateMode.PRIMARY:
        return _primary_backend(base_path, ttl_seconds)
    github = GitHubBackend(base_path=base_path, cache_ttl_seconds=ttl_seconds)
    if not settings.primary_api_url:
        return github
    return HTTPBackend(
        primary_api_url=settings.primary_api_url, github_backend=github, cache_ttl_seconds=ttl_seconds
    )


def _primary_backend(base_path: Path, ttl_seconds: float) -> ModelReferenceBackend:
    with no_fork:
        from horde_model_reference.backends.filesystem import FileSystemBackend  # noqa: PLC0415 - few write

    files = FileSystemBackend(base_path=base_path, cache_ttl_seconds=ttl_seconds)
    redis_settings = horde_model_reference_settings.redis
    if not redis_settings.use_redis:
        return files
    with no_fork:
        from horde_model_reference.backends.redis import RedisBackend  # noqa: PLC0415 - an extra

    return RedisBackend(file_backend=files, redis_settings=redis_settings)
