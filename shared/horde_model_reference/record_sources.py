"""Where a manager gets the records of the canonical reference: one way for each kind of back end."""

# ruff: noqa: ARG002 - not every kind has something to settle

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from horde_model_reference.backends.base import ModelReferenceBackend
from horde_model_reference.backends.local_read_only import LocalReadOnlyBackend
from horde_model_reference.backends.replica_base import ReplicaBackendBase
from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.record_building import build_records

Records = Mapping[str, GenericModelRecord]
Found = dict[str, Records | None]


class RecordSource(Protocol):
    """Records by category; None where there are none."""

    def fresh(self, category: str) -> Records | None:
        """Return what needs no looking for. Never blocks."""

    def load(self, categories: Iterable[str], *, force: bool = False, settle: bool = False) -> Found:
        """Return the records of one moment. `settle`: the copies on the disk are written, too. Blocks."""

    async def load_async(
        self, categories: Iterable[str], *, force: bool = False, settle: bool = False
    ) -> Found:
        """Do the same without blocking the loop."""

    def forget(self, category: str) -> None:
        """Have the records built anew from what was loaded."""


class ReplicaRecords:
    """Those of a replica: its core holds them ready."""

    def __init__(self, backend: ReplicaBackendBase) -> None:
        self._backend = backend

    def fresh(self, category: str) -> Records | None:
        """See `RecordSource`."""
        session = self._backend.opened
        return None if session is None else session.fresh(category)

    def load(self, categories: Iterable[str], *, force: bool = False, settle: bool = False) -> Found:
        """See `RecordSource`."""
        names, session = tuple(categories), self._backend.session()
        session.load(names, force=force, settle=settle)
        return session.held_together(names)

    async def load_async(
        self, categories: Iterable[str], *, force: bool = False, settle: bool = False
    ) -> Found:
        """See `RecordSource`."""
        names, session = tuple(categories), await self._backend.session_async()
        await session.load_async(names, force=force, settle=settle)
        return session.held_together(names)

    def forget(self, category: str) -> None:
        """See `RecordSource`."""
        if self._backend.opened is not None:
            self._backend.opened.rebuild(category)


class LocalRecords:
    """Those that another process keeps on the disk."""

    def __init__(self, backend: LocalReadOnlyBackend) -> None:
        self._backend = backend
        self.fresh = backend.recent

    def load(self, categories: Iterable[str], *, force: bool = False, settle: bool = False) -> Found:
        """See `RecordSource`; there is nothing to settle."""
        if force:
            for name in (names := tuple(categories)):
                self._backend.forget(name)
            categories = names
        return {name: self._backend.records(name) for name in categories}

    async def load_async(
        self, categories: Iterable[str], *, force: bool = False, settle: bool = False
    ) -> Found:
        """See `RecordSource`."""
        import asyncio  # noqa: PLC0415 - programs without a loop need not load it

        return await asyncio.to_thread(self.load, categories, force=force, settle=settle)

    def forget(self, category: str) -> None:
        """See `RecordSource`."""
        self._backend.forget(category)


@dataclass(frozen=True, slots=True)
class _Built:
    raw: dict[str, Any]
    records: Records
    until: float


class BackendRecords:
    """Those of any other back end: built from the JSON that it returns, and kept until it is stale."""

    def __init__(self, backend: ModelReferenceBackend, *, ttl_seconds: float) -> None:
        self._backend = backend
        self._ttl_seconds = ttl_seconds
        self._built: dict[str, _Built] = {}
        self._loading = threading.RLock()
        backend.register_invalidation_callback(self._expire)

    def fresh(self, category: str) -> Records | None:
        """See `RecordSource`."""
        built = self._built.get(category)
        if built is None or built.until <= time.monotonic() or self._backend.needs_refresh(category):
            return None
        return built.records

    def load(self, categories: Iterable[str], *, force: bool = False, settle: bool = False) -> Found:
        """See `RecordSource`; there is nothing to settle."""
        with self._loading:
            return {name: self._load(name, force=force) for name in categories}

    async def load_async(
        self, categories: Iterable[str], *, force: bool = False, settle: bool = False
    ) -> Found:
        """See `RecordSource`."""
        import asyncio  # noqa: PLC0415 - programs without a loop need not load it

        found: Found = {}
        for name in categories:
            fresh = None if force else self.fresh(name)
            if fresh is None:
                raw = await self._backend.fetch_category_async(name, force_refresh=force)
                fresh = await asyncio.to_thread(self._keep, name, raw)
            found[name] = fresh
        return found

    def forget(self, category: str) -> None:
        """See `RecordSource`."""
        self._built.pop(category, None)

    def _load(self, category: str, *, force: bool) -> Records | None:
        fresh = None if force else self.fresh(category)
        if fresh is not None:
            return fresh
        return self._keep(category, self._backend.fetch_category(category, force_refresh=force))

    def _keep(self, category: str, raw: dict[str, Any] | None) -> Records | None:
        if raw is None:
            self._built.pop(category, None)
            return None
        known = self._built.get(category)
        same = known is not None and (known.raw is raw or known.raw == raw)
        records = known.records if known is not None and same else build_records(category, raw).records
        self._built[category] = _Built(raw, records, time.monotonic() + self._ttl_seconds)
        return records

    def _expire(self, category: str) -> None:
        self._built.pop(category, None)


def record_source_of(backend: ModelReferenceBackend, *, ttl_seconds: float) -> RecordSource:
    """Return what reads the records of a back end."""
    if isinstance(backend, ReplicaBackendBase):
        return ReplicaRecords(backend)
    if isinstance(backend, LocalReadOnlyBackend):
        return LocalRecords(backend)
    return BackendRecords(backend, ttl_seconds=ttl_seconds)
