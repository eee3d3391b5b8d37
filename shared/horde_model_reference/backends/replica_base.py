"""What the back ends of a replica share: a core on the loop of the library (python-client.md section 5)."""

# ruff: noqa: ARG002 - httpx_client is accepted and not used

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from horde_model_reference.backends.base import ModelReferenceBackend, copy_in
from horde_model_reference.background_requests import background_loop
from horde_model_reference.fork_safe_lock import ForkSafeLock
from horde_model_reference.garbage_pause import garbage_pause
from horde_model_reference.meta_consts import (
    ReplicateMode,
    all_category_names,
    is_registered_category,
)
from horde_model_reference.no_fork import no_fork

if TYPE_CHECKING:
    from horde_model_reference.replica.replica_session import ReplicaPlan, ReplicaSession


class ReplicaBackendBase(ModelReferenceBackend):
    """Reads through a replica core; nothing is imported or opened before the first read.

    The methods block their caller or, with `async`, nobody. Data that are at hand are answered at once.
    """

    def __init__(self, base_path: Path | str, *, cache_ttl_seconds: float) -> None:
        super().__init__(ReplicateMode.REPLICA)
        self._base_path = Path(base_path)
        self._cache_ttl_seconds = cache_ttl_seconds
        self._session: ReplicaSession | None = None
        self._opening = ForkSafeLock()

    @property
    def cache_ttl_seconds(self) -> float:
        """Age after which data are asked for again."""
        return self._cache_ttl_seconds

    @property
    def opened(self) -> "ReplicaSession | None":
        """What this back end reads through, None before the first read."""
        return self._session

    def session(self) -> "ReplicaSession":
        """Return what this back end reads through. The first call imports the HTTP stack. Blocks."""
        session = self._session
        if session is None:
            with self._opening:
                session = self._session or self._open()
                self._session = session
        return session

    async def session_async(self) -> "ReplicaSession":
        """Do the same while the loop of the caller goes on."""
        if self._session is not None:
            return self._session
        import asyncio  # noqa: PLC0415 - programs without a loop need not load it

        return await background_loop().call(lambda: asyncio.to_thread(self.session))

    def close(self) -> None:
        """Stop listening and asking, after saving what is held."""
        with self._opening:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def fetch_category(self, category: str, *, force_refresh: bool = False) -> dict[str, Any] | None:
        """Return the v2 JSON of a category, not validated; None: no source has it."""
        if not is_registered_category(category):
            return None
        session = self.session()
        session.load((category,), force=force_refresh)
        return session.raw_together((category,))[category]

    async def fetch_category_async(
        self, category: str, *, httpx_client: object = None, force_refresh: bool = False
    ) -> dict[str, Any] | None:
        """Do the same without blocking the loop. `httpx_client` is not used."""
        if not is_registered_category(category):
            return None
        session = await self.session_async()
        await session.load_async((category,), force=force_refresh)
        return (await session.raw_together_async((category,)))[category]

    def fetch_all_categories(self, *, force_refresh: bool = False) -> dict[str, dict[str, Any] | None]:
        """Return the v2 JSON of every category, all of one moment."""
        names, session = all_category_names(), self.session()
        session.load(names, force=force_refresh)
        return session.raw_together(names)

    async def fetch_all_categories_async(
        self, *, httpx_client: object = None, force_refresh: bool = False
    ) -> dict[str, dict[str, Any] | None]:
        """Do the same without blocking the loop. `httpx_client` is not used."""
        names, session = all_category_names(), await self.session_async()
        await session.load_async(names, force=force_refresh)
        return await session.raw_together_async(names)

    def get_legacy_json_string(self, category: str, redownload: bool = False) -> str | None:
        """Return the legacy document of a category unchanged; None: there is none."""
        if not is_registered_category(category):
            return None
        return self.session().legacy_text(category, anew=redownload)

    def get_category_file_path(self, category: str) -> Path | None:
        """Return where the copy of a category lies; None: there is none."""
        return copy_in(self._base_path, category)

    def mark_stale(self, category: str) -> None:
        """Make the next read of the category look at the source, and tell the listeners."""
        if self._session is not None:
            self._session.expire(category)
        super().mark_stale(category)

    def has_cached_data(self, category: str) -> bool:
        """Say whether data of the category are in memory, however old."""
        return self._session is not None and self._session.held(category) is not None

    def is_cache_valid(self, category: str) -> bool:
        """Say whether data of the category are in memory that need not be looked for again."""
        return self._session is not None and self._session.fresh(category) is not None

    def needs_refresh(self, category: str) -> bool:
        """Say whether there are data of the category that went stale; False for one never loaded."""
        return self.has_cached_data(category) and not self.is_cache_valid(category)

    def should_fetch_data(self, category: str) -> bool:
        """Say whether the next read will look at the source."""
        return not self.is_cache_valid(category)

    def _open(self) -> "ReplicaSession":
        with no_fork, garbage_pause():
            from horde_model_reference.replica.replica_session import ReplicaSession  # noqa: PLC0415

        return ReplicaSession(self._plan(), self._tell_listeners)

    @abstractmethod
    def _plan(self) -> "ReplicaPlan":
        """Return whom to ask, and how."""
