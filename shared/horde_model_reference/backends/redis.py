"""A PRIMARY's folder behind a cache that several processes share (python-client.md section 5)."""

import os
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from horde_model_reference.backends.base import ModelReferenceBackend, RecordLike
from horde_model_reference.backends.filesystem import FileSystemBackend
from horde_model_reference.category_metadata import CategoryMetadata
from horde_model_reference.lenient_json import object_or_none
from horde_model_reference.meta_consts import (
    CanonicalFormat,
    ReplicateMode,
    as_category,
    is_registered_category,
)
from horde_model_reference.no_fork import no_fork
from horde_model_reference.settings import horde_model_reference_settings
from horde_model_reference.settings_blocks import RedisSettings
from horde_model_reference.v2_format import render_v2

V2: Final = "v2"
LEGACY: Final = "legacy"


@dataclass(frozen=True, slots=True)
class _Held:
    """A document in memory, None if there is none. `generation` is the category's when it was read."""

    body: bytes | None
    value: dict[str, Any] | None
    good_until: float
    generation: object


class RedisBackend(ModelReferenceBackend):
    """Reads through memory and Redis, writes to the folder; what one process writes the others hear of.

    Without Redis everything goes on with the folder alone. No answer is older than the time to live:
    `cache_ttl_seconds`, else that of the Redis settings, else that of the settings. `close` ends the thread
    that listens. The package `redis` is needed: without it making an object raises `ImportError`.
    """

    def __init__(
        self,
        *,
        file_backend: FileSystemBackend,
        redis_settings: RedisSettings | None = None,
        cache_ttl_seconds: float | None = None,
    ) -> None:
        if file_backend.replicate_mode is not ReplicateMode.PRIMARY:
            raise ValueError(
                "RedisBackend stands before the canonical data: the file backend must be PRIMARY"
            )
        super().__init__(ReplicateMode.PRIMARY)
        settings = redis_settings or horde_model_reference_settings.redis
        self._ttl_seconds = _time_to_live(cache_ttl_seconds, settings)
        self._file_backend = file_backend
        self._held: dict[tuple[str, str], _Held] = {}
        self._generations: dict[str, object] = {}
        self._untold: set[str] = set()
        self._origin = secrets.token_hex(8)
        self._hits = 0
        self._misses = 0
        self._connect(settings)
        file_backend.register_invalidation_callback(self._invalidated_here)

    def _connect(self, settings: RedisSettings) -> None:
        try:
            with no_fork:
                from horde_model_reference.backends.redis_listener import RedisListener  # noqa: PLC0415
                from horde_model_reference.backends.redis_store import RedisStore, open_client  # noqa: PLC0415
        except ImportError as error:
            hint = "RedisBackend needs the package redis: pip install 'horde-model-reference[redis]'"
            raise ImportError(hint) from error
        self._store = RedisStore(settings)
        self._listener = None
        if settings.use_pubsub:
            self._listener = RedisListener(
                open_client(settings),
                self._store.channel,
                on_invalidated=self._invalidated_elsewhere,
                on_gap=self._missed_messages,
            )

    @property
    def file_backend(self) -> FileSystemBackend:
        """The folder behind the cache."""
        return self._file_backend

    @property
    def base_path(self) -> Path:
        """The folder of the v2 files."""
        return self._file_backend.base_path

    @property
    def canonical_format(self) -> CanonicalFormat:
        """The format in which records are written; the other one follows."""
        return self._file_backend.canonical_format

    @property
    def cache_ttl_seconds(self) -> float:
        """How old an answer may be."""
        return self._ttl_seconds

    def close(self) -> None:
        self._file_backend.unregister_invalidation_callback(self._invalidated_here)
        if self._listener is not None:
            self._listener.close()
        self._store.close()
        self._file_backend.close()

    def fetch_category(self, category: str, *, force_refresh: bool = False) -> dict[str, Any] | None:
        value = self._get(category, V2, force=force_refresh).value
        return None if value is None else dict(value)

    def get_legacy_json(self, category: str, redownload: bool = False) -> dict[str, Any] | None:
        value = self._get(category, LEGACY, force=redownload).value
        return None if value is None else dict(value)

    def get_legacy_json_string(self, category: str, redownload: bool = False) -> str | None:
        body = self._get(category, LEGACY, force=redownload).body
        return None if body is None else body.decode("utf-8")

    def get_category_file_path(self, category: str) -> Path | None:
        return self._file_backend.get_category_file_path(category)

    def needs_refresh(self, category: str) -> bool:
        held = self._held.get((as_category(category), V2))
        return held is not None and not self._is_fresh(as_category(category), held)

    def mark_stale(self, category: str) -> None:
        """Forget the category here, in Redis and in the other processes."""
        self._file_backend.mark_stale(category)

    def supports_writes(self) -> bool:
        return self._file_backend.supports_writes()

    def supports_legacy_writes(self) -> bool:
        return self._file_backend.supports_legacy_writes()

    def supports_cache_warming(self) -> bool:
        return True

    def supports_health_checks(self) -> bool:
        return True

    def supports_statistics(self) -> bool:
        return True

    def supports_metadata(self) -> bool:
        return True

    def update_model(self, category: str, model_name: str, record: RecordLike) -> None:
        self._file_backend.update_model(category, model_name, record)

    def delete_model(self, category: str, model_name: str) -> None:
        self._file_backend.delete_model(category, model_name)

    def update_model_legacy(self, category: str, model_name: str, record: RecordLike) -> None:
        self._file_backend.update_model_legacy(category, model_name, record)

    def delete_model_legacy(self, category: str, model_name: str) -> None:
        self._file_backend.delete_model_legacy(category, model_name)

    def health_check(self) -> bool:
        """Say whether the folder is healthy: without Redis the work goes on."""
        return self._file_backend.health_check()

    def get_statistics(self) -> dict[str, Any]:
        """Return `redis_hits` and `redis_misses` of this process, and the figures of the file backend."""
        return {
            **self._file_backend.get_statistics(),
            "redis_hits": self._hits,
            "redis_misses": self._misses,
        }

    def get_metadata(self, category: str) -> CategoryMetadata:
        return self._file_backend.get_metadata(category)

    def get_v2_metadata(self, category: str) -> CategoryMetadata:
        return self._file_backend.get_v2_metadata(category)

    def get_legacy_metadata(self, category: str) -> CategoryMetadata:
        return self._file_backend.get_legacy_metadata(category)

    def _get(self, category: str, form: str, *, force: bool) -> _Held:
        known = as_category(category)
        if self._listener is not None:
            self._listener.ensure_running()
        held = self._held.get((known, form))
        if held is None or force or not self._is_fresh(known, held):
            held = self._load(known, form, force=force)
            if is_registered_category(known):
                self._held[known, form] = held
        return held

    def _is_fresh(self, category: str, held: _Held) -> bool:
        return held.generation is self._generations.get(category) and time.monotonic() < held.good_until

    def _load(self, category: str, form: str, *, force: bool) -> _Held:
        """Read from Redis, else from the folder; what comes from there is stored in Redis."""
        now, generation = time.monotonic(), self._generations.get(category)
        is_told = category not in self._untold or self._tell_others(category)
        found = self._store.look_up(category, form) if is_told else None
        if found is not None and found.body is not None and not force:
            value = object_or_none(found.body)
            if value is not None:
                self._hits += 1
                return _Held(found.body, value, now + found.seconds_left, generation)
        self._misses += 1
        body = self._read_file(category, form, force=force)
        if found is not None and body is not None:
            age = time.monotonic() - now
            self._store.put(category, form, body, version=found.version, ttl_seconds=self._ttl_seconds - age)
        value = None if body is None else object_or_none(body)
        return _Held(body, value, now + self._ttl_seconds, generation)

    def _read_file(self, category: str, form: str, *, force: bool) -> bytes | None:
        if form == V2:
            records = self._file_backend.fetch_category(category, force_refresh=force)
            return None if records is None else render_v2(records)
        text = self._file_backend.get_legacy_json_string(category, redownload=force)
        return None if text is None else text.encode("utf-8")

    def _invalidated_here(self, category: str) -> None:
        self._forget(category)
        self._tell_others(category)
        self._tell_listeners(category)

    def _invalidated_elsewhere(self, category: str, origin: str) -> None:
        if origin != self._own_origin():
            self._forget_told(as_category(category))

    def _missed_messages(self) -> None:
        for category in {category for category, _ in list(self._held)}:
            self._forget_told(category)

    def _forget_told(self, category: str) -> None:
        self._file_backend.forget(
            category
        )  # else it would tell us, and we all the others, of the same change
        self._forget(category)
        self._tell_listeners(category)

    def _forget(self, category: str) -> None:
        self._generations[category] = object()

    def _tell_others(self, category: str) -> bool:
        """Invalidate in Redis. What could not be told is told before Redis is believed again."""
        if self._store.invalidate(category, self._own_origin()):
            self._untold.discard(category)
            return True
        self._untold.add(category)
        return False

    def _own_origin(self) -> str:
        """Return the name of this object in this process: a forked child has another one."""
        return f"{self._origin}-{os.getpid()}"


def _time_to_live(given: float | None, settings: RedisSettings) -> float:
    if given is not None:
        return given
    if settings.ttl_seconds is not None:
        return settings.ttl_seconds
    return horde_model_reference_settings.cache_ttl_seconds
