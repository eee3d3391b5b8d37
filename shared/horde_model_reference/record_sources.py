"""Where a manager gets the records of the canonical reference: one way for each kind of back end."""

# ruff: noqa: ARG002 - not every kind has something to settle

import itertools
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from pydantic_core import to_json

from horde_model_reference.backends.base import ModelReferenceBackend
from horde_model_reference.backends.local_read_only import LocalReadOnlyBackend
from horde_model_reference.backends.replica_base import ReplicaBackendBase
from horde_model_reference.fork_safe_lock import ForkSafeLock
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

    def close(self) -> None:
        """Listen to the back end no longer."""


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
        session = self._backend.opened
        if session is not None:
            session.rebuild(category)

    def close(self) -> None:
        """See `RecordSource`; there is nothing that listens."""


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

    def close(self) -> None:
        """See `RecordSource`; there is nothing that listens."""


class _Built(NamedTuple):
    body: bytes | None
    records: Records
    began: int
    until: float


class BackendRecords:
    """Those of any other back end: built from the JSON that it returns, and kept until it is stale.

    Loads that overlap may end in another order than they began; `began` puts them, and the moments in which
    data were marked stale, in order. What a back end returned is not kept, for the back end may change it.
    """

    def __init__(self, backend: ModelReferenceBackend, *, ttl_seconds: float) -> None:
        self._backend = backend
        self._ttl_seconds = ttl_seconds
        self._built: dict[str, _Built] = {}
        self._stale_since: dict[str, int] = {}
        self._moments = itertools.count(1)
        self._loading = ForkSafeLock()
        self._keeping = ForkSafeLock()
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
                began = next(self._moments)
                raw = await self._backend.fetch_category_async(name, force_refresh=force)
                fresh = await asyncio.to_thread(self._keep, name, raw, began)
            found[name] = fresh
        return found

    def forget(self, category: str) -> None:
        """See `RecordSource`."""
        self._built.pop(category, None)

    def close(self) -> None:
        """See `RecordSource`."""
        self._backend.unregister_invalidation_callback(self._expire)

    def _load(self, category: str, *, force: bool) -> Records | None:
        fresh = None if force else self.fresh(category)
        if fresh is not None:
            return fresh
        began = next(self._moments)
        return self._keep(category, self._backend.fetch_category(category, force_refresh=force), began)

    def _keep(self, category: str, raw: dict[str, Any] | None, began: int) -> Records | None:
        known = self._built.get(category)
        made = None if raw is None else self._made(category, raw, known, began)
        with self._keeping:
            known = self._built.get(category)
            if known is not None and known.began > began:
                return known.records
            if made is None:
                self._built.pop(category, None)
                return None
            if self._stale_since.get(category, 0) > began:
                made = made._replace(until=0.0)
            self._built[category] = made
            return made.records

    def _made(self, category: str, raw: dict[str, Any], known: _Built | None, began: int) -> _Built:
        body = _body_of(raw)
        same = known is not None and body is not None and known.body == body
        records = known.records if known is not None and same else build_records(category, raw).records
        return _Built(body, records, began, time.monotonic() + self._ttl_seconds)

    def _expire(self, category: str) -> None:
        with self._keeping:
            self._stale_since[category] = next(self._moments)
            self._built.pop(category, None)


def _body_of(raw: dict[str, Any]) -> bytes | None:
    """Return what equal values have in common, None where JSON cannot say it."""
    try:
        return to_json(raw)
    except ValueError:
        return None


def record_source_of(backend: ModelReferenceBackend, *, ttl_seconds: float) -> RecordSource:
    """Return what reads the records of a back end."""
    if isinstance(backend, ReplicaBackendBase):
        return ReplicaRecords(backend)
    if isinstance(backend, LocalReadOnlyBackend):
        return LocalRecords(backend)
    return BackendRecords(backend, ttl_seconds=ttl_seconds)
