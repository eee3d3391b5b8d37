"""What every back end can be asked (python-client.md section 5)."""

# ruff: noqa: ARG002 - what is not supported looks at none of its arguments

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from horde_model_reference.fork_safe_lock import ForkSafeLock
from horde_model_reference.lenient_json import object_or_none
from horde_model_reference.meta_consts import (
    ReplicateMode,
    all_category_names,
    as_category,
    is_registered_category,
)
from horde_model_reference.path_consts import horde_model_reference_paths

if TYPE_CHECKING:
    from horde_model_reference.category_metadata import CategoryMetadata

log = logging.getLogger(__name__)

InvalidationCallback = Callable[[str], object]
"""Is told the category whose data went stale, in the thread that noticed."""

RecordLike = Mapping[str, Any] | BaseModel
"""A record to be written: a JSON object, or one of the record classes."""


def copy_in(base_path: Path, category: str) -> Path | None:
    """Return where the copy of a category lies in the folder of a replica; None: there is none."""
    if not is_registered_category(category):
        return None
    path = horde_model_reference_paths.get_model_reference_file_path(category, base_path=base_path)
    return path if path.is_file() else None


class ModelReferenceBackend(ABC):
    """Where the raw references come from. Categories are members or their texts everywhere.

    Only `fetch_category` must be given. What a back end does not support raises `NotImplementedError`; the
    `supports_...` questions tell beforehand. All methods may be called from any thread.
    """

    def __init__(self, mode: ReplicateMode | str = ReplicateMode.REPLICA) -> None:
        self._replicate_mode = ReplicateMode(mode)
        self._callbacks: tuple[InvalidationCallback, ...] = ()
        self._callbacks_lock = ForkSafeLock()

    @property
    def replicate_mode(self) -> ReplicateMode:
        """Whether this back end holds the canonical data or follows one that does."""
        return self._replicate_mode

    def get_replicate_mode(self) -> ReplicateMode:
        """Return `replicate_mode`."""
        return self.replicate_mode

    def close(self) -> None:  # noqa: B027 - most back ends hold nothing
        """Give back threads and connections, if there are any; harmless when repeated."""

    @abstractmethod
    def fetch_category(self, category: str, *, force_refresh: bool = False) -> dict[str, Any] | None:
        """Return the v2 JSON of a category, model name to record, not validated; None: there is none.

        `force_refresh` looks at the source even when the data at hand are fresh.
        """

    def fetch_all_categories(self, *, force_refresh: bool = False) -> dict[str, dict[str, Any] | None]:
        """Return `fetch_category` of every known category, in their order."""
        return {name: self.fetch_category(name, force_refresh=force_refresh) for name in all_category_names()}

    async def fetch_category_async(
        self, category: str, *, httpx_client: object = None, force_refresh: bool = False
    ) -> dict[str, Any] | None:
        """Do the same as `fetch_category`, without blocking the loop. `httpx_client` is not used."""
        import asyncio  # noqa: PLC0415 - programs without a loop need not load it

        return await asyncio.to_thread(self.fetch_category, category, force_refresh=force_refresh)

    async def fetch_all_categories_async(
        self, *, httpx_client: object = None, force_refresh: bool = False
    ) -> dict[str, dict[str, Any] | None]:
        """Do the same as `fetch_all_categories`, without blocking the loop. `httpx_client` is not used."""
        import asyncio  # noqa: PLC0415 - programs without a loop need not load it

        return await asyncio.to_thread(self.fetch_all_categories, force_refresh=force_refresh)

    def get_legacy_json_string(self, category: str, redownload: bool = False) -> str | None:
        """Return the legacy form of a category as it is stored; None: there is none."""
        return None

    def get_legacy_json(self, category: str, redownload: bool = False) -> dict[str, Any] | None:
        """Return the legacy form of a category; None: there is none, or it is no JSON object."""
        text = self.get_legacy_json_string(category, redownload)
        return None if text is None else object_or_none(text)

    def get_category_file_path(self, category: str) -> Path | None:
        """Return where the v2 JSON of a category lies, or would lie; None: nowhere on this machine."""
        return None

    def get_all_category_file_paths(self) -> dict[str, Path | None]:
        """Return the file of every known category, in their order; None where there is no such file."""
        paths = {name: self.get_category_file_path(name) for name in all_category_names()}
        return {name: path if path is not None and path.is_file() else None for name, path in paths.items()}

    def needs_refresh(self, category: str) -> bool:
        """Say whether there are data of the category that went stale; False for one never loaded."""
        return False

    def mark_stale(self, category: str) -> None:
        """Make the next read of the category look at the source, and tell the listeners."""
        self._tell_listeners(category)

    def register_invalidation_callback(self, callback: InvalidationCallback) -> None:
        """Have `callback(category)` called when a category goes stale: once, however often it is given."""
        with self._callbacks_lock:
            if callback not in self._callbacks:
                self._callbacks = (*self._callbacks, callback)

    def unregister_invalidation_callback(self, callback: InvalidationCallback) -> bool:
        """Stop calling it. Returns whether it was registered."""
        with self._callbacks_lock:
            left = tuple(known for known in self._callbacks if known != callback)
            was_registered = len(left) < len(self._callbacks)
            self._callbacks = left
        return was_registered

    def _tell_listeners(self, category: str) -> None:
        """Call every listener, in this thread and without holding a lock; a failing one is logged."""
        known = as_category(category)
        for callback in self._callbacks:
            try:
                callback(known)
            except Exception:  # its own fault: the others shall hear of it too
                log.exception("a listener failed when %s went stale", known)

    def supports_writes(self) -> bool:
        """Say whether v2 records can be written."""
        return False

    def supports_legacy_writes(self) -> bool:
        """Say whether legacy records can be written."""
        return False

    def support_any_writes(self) -> bool:
        """Say whether records of either format can be written."""
        return self.supports_writes() or self.supports_legacy_writes()

    def supports_cache_warming(self) -> bool:
        """Say whether `warm_cache` can be used."""
        return False

    def supports_health_checks(self) -> bool:
        """Say whether `health_check` can be used."""
        return False

    def supports_statistics(self) -> bool:
        """Say whether `get_statistics` can be used."""
        return False

    def supports_metadata(self) -> bool:
        """Say whether the metadata of categories can be asked for."""
        return False

    def update_model(self, category: str, model_name: str, record: RecordLike) -> None:
        """Create a v2 record, or put it in place of the whole record that is there."""
        raise self._unsupported("writing v2 records")

    def delete_model(self, category: str, model_name: str) -> None:
        """Remove a v2 record. Raises `KeyError` when there is none of this name."""
        raise self._unsupported("writing v2 records")

    def update_model_legacy(self, category: str, model_name: str, record: RecordLike) -> None:
        """Create a legacy record, or put it in place of the whole record that is there."""
        raise self._unsupported("writing legacy records")

    def delete_model_legacy(self, category: str, model_name: str) -> None:
        """Remove a legacy record. Raises `KeyError` when there is none of this name."""
        raise self._unsupported("writing legacy records")

    def warm_cache(self) -> None:
        """Load every category."""
        if not self.supports_cache_warming():
            raise self._unsupported("warming its cache")
        for category in all_category_names():
            self.fetch_category(category)
            self.get_legacy_json_string(category)

    async def warm_cache_async(self) -> None:
        """Do the same as `warm_cache`, without blocking the loop."""
        import asyncio  # noqa: PLC0415 - programs without a loop need not load it

        await asyncio.to_thread(self.warm_cache)

    def health_check(self) -> bool:
        """Say whether the back end can do its work now."""
        raise self._unsupported("health checks")

    def get_statistics(self) -> dict[str, Any]:
        """Return counters of what the back end did."""
        raise self._unsupported("statistics")

    def get_metadata(self, category: str) -> "CategoryMetadata":
        """Return the metadata of a category in the canonical format. Raises `KeyError` for an unknown one."""
        raise self._unsupported("metadata")

    def get_v2_metadata(self, category: str) -> "CategoryMetadata":
        """Return the metadata of a category's v2 form. Raises `KeyError` for an unknown one."""
        raise self._unsupported("metadata")

    def get_legacy_metadata(self, category: str) -> "CategoryMetadata":
        """Return the metadata of a category's legacy form. Raises `KeyError` for an unknown one."""
        raise self._unsupported("metadata")

    def get_all_metadata(self) -> "dict[str, CategoryMetadata]":
        """Return `get_metadata` of every known category, in their order."""
        return {name: self.get_metadata(name) for name in all_category_names()}

    def last_updated(self, category: str) -> int | None:
        """Return when the category was written last, in Unix seconds; None if never."""
        return self.get_metadata(category).last_updated or None

    def _unsupported(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} does not support {what}")
