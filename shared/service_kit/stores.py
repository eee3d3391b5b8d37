"""Chooses the adapters of the object store, the cache, the leases and the rate limits from the settings."""

import contextlib
import importlib
from collections.abc import AsyncIterator
from pathlib import Path

from service_kit.access_settings import RateLimitSettings
from service_kit.cache import Cache
from service_kit.file_object_store import FileObjectStore, open_file_store
from service_kit.lease import Lease, MemoryLease
from service_kit.memory_cache import MemoryCache
from service_kit.object_store import ObjectStore
from service_kit.rate_limit import LocalRateLimiter, RateLimiter
from service_kit.settings import RedisSettings, S3Settings
from service_kit.telemetry import Telemetry


@contextlib.asynccontextmanager
async def open_object_store(
    data_dir: Path, s3: S3Settings, telemetry: Telemetry | None = None, *, read_only: bool = False
) -> AsyncIterator[ObjectStore]:
    """Yield the bucket if one is configured, else the directory.

    Raises `StoreUnavailable` for a directory that cannot be used; a server that is down is no error here.
    For whom `read_only` is enough, a directory is neither made nor written to, and may appear later.
    """
    if not s3.configured and telemetry is not None:
        telemetry.machine.watch_directory(data_dir)
    if not s3.configured and read_only:
        with contextlib.closing(FileObjectStore(data_dir, telemetry)) as present:
            yield present
        return
    if not s3.configured:
        async with open_file_store(data_dir, telemetry) as directory:
            yield directory
        return
    adapter = importlib.import_module("service_kit.s3_object_store")  # heavy: only where it is used
    async with adapter.open_s3_store(s3, telemetry) as bucket:
        yield bucket


@contextlib.asynccontextmanager
async def open_cache(redis: RedisSettings, telemetry: Telemetry | None = None) -> AsyncIterator[Cache]:
    """Yield the shared cache if one is configured, else one in this process."""
    if not redis.configured:
        yield MemoryCache(telemetry=telemetry)
        return
    adapter = importlib.import_module("service_kit.redis_cache")
    async with adapter.open_redis_cache(redis, telemetry) as cache:
        yield cache


@contextlib.asynccontextmanager
async def open_lease(redis: RedisSettings, telemetry: Telemetry | None = None) -> AsyncIterator[Lease]:
    """Yield leases among all instances if a shared cache is configured, else in this process alone."""
    if not redis.configured:
        yield MemoryLease()
        return
    adapter = importlib.import_module("service_kit.redis_lease")
    async with adapter.open_redis_lease(redis, telemetry) as lease:
        yield lease


@contextlib.asynccontextmanager
async def open_rate_limiter(
    settings: RateLimitSettings, redis: RedisSettings, telemetry: Telemetry | None = None
) -> AsyncIterator[RateLimiter]:
    """Yield limits that all instances share if a shared cache is configured, else those of this process."""
    local = LocalRateLimiter(max_subjects=settings.max_subjects)
    if not redis.configured:
        yield local
        return
    adapter = importlib.import_module("service_kit.redis_rate_limiter")
    async with adapter.open_redis_rate_limiter(redis, local, telemetry) as limiter:
        yield limiter
