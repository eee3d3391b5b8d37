"""Parsed files in memory, read again when they were changed by anybody."""

import hashlib
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from horde_model_reference.documents import SourceUnreadable
from horde_model_reference.files.stamps import Stamp, stamp_in, stamp_of

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What a file holds, None if it is missing. `changed`: it was known, and now it says something else."""

    value: T | None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class _Loaded(Generic[T]):
    """What a file held at a time. `generation` is that of the file when its reading began."""

    stamp: Stamp | None
    digest: bytes
    value: T | None
    loaded_at: float
    generation: object


class FileCache(Generic[T]):
    """Parsed files by path. While `parse` refuses a file its last good value stays; that is logged once.

    `parse` raises `SourceUnreadable`. After `ttl_seconds` a file is read again even if its stamp is the same,
    and parsed again only if its bytes differ. The values are shared: they must not be changed.
    """

    def __init__(self, parse: Callable[[bytes], T], ttl_seconds: float) -> None:
        self._parse = parse
        self._ttl_seconds = ttl_seconds
        self._loaded: dict[Path, _Loaded[T]] = {}
        self._generations: dict[Path, object] = {}

    def __len__(self) -> int:
        return len(self._loaded)

    def get(self, path: Path, *, force: bool = False) -> Reading[T]:
        """Return what the file holds now. `force` reads it again even when nothing speaks for it."""
        known = self._loaded.get(path)
        if known is not None and not force and self._is_fresh(path, known):
            return Reading(known.value)
        generation = self._generations.get(path)
        new = self._load(path, known, generation)
        self._loaded[path] = new
        was_announced = known is not None and known.generation is not generation
        changed = known is not None and known.digest != new.digest and not was_announced
        return Reading(new.value, changed)

    def is_stale(self, path: Path) -> bool:
        """Say whether the file was loaded and ought to be looked at again."""
        known = self._loaded.get(path)
        return known is not None and not self._is_fresh(path, known)

    def mark_stale(self, path: Path) -> None:
        """Have the file read again, also by a reader that is just reading it."""
        self._generations[path] = object()

    def _is_fresh(self, path: Path, known: _Loaded[T]) -> bool:
        age = time.time() - known.loaded_at
        return (
            known.generation is self._generations.get(path)
            and 0 <= age <= self._ttl_seconds
            and known.stamp == stamp_of(path)
        )

    def _load(self, path: Path, known: _Loaded[T] | None, generation: object) -> _Loaded[T]:
        now = time.time()
        try:
            with path.open("rb") as file:
                stamp = stamp_in(os.fstat(file.fileno()))
                body = file.read()
        except FileNotFoundError:
            return _Loaded(None, b"", None, now, generation)
        except OSError as error:
            log.error("%s cannot be read: %s", path, error)  # noqa: TRY400 - the text says all
            return replace(known or _Loaded(None, b"", None, now, generation), generation=generation)
        digest = hashlib.sha256(body).digest()
        if known is not None and known.digest == digest:
            return replace(known, stamp=stamp, loaded_at=now, generation=generation)
        try:
            value = self._parse(body)
        except SourceUnreadable as error:
            log.error("%s cannot be used: %s", path, error)  # noqa: TRY400 - the text says all
            last_good = None if known is None else known.value
            return _Loaded(stamp, digest, last_good, now, generation)
        return _Loaded(stamp, digest, value, now, generation)
