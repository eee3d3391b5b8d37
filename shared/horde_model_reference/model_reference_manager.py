"""The manager: one per process, through which programs read the reference (python-client.md section 2)."""

import logging
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from horde_model_reference.backend_choice import chosen_backend
from horde_model_reference.backends.base import InvalidationCallback, ModelReferenceBackend
from horde_model_reference.background_requests import background_loop
from horde_model_reference.fork_safe_lock import ForkSafeLock
from horde_model_reference.json_dicts import (
    model_reference_to_json_dict,
    model_reference_to_json_dict_safe,
)
from horde_model_reference.manager_choices import ManagerChoices, SettledChoices
from horde_model_reference.meta_consts import ReplicateMode, as_category
from horde_model_reference.metadata_face import MetadataFace
from horde_model_reference.no_fork import no_fork
from horde_model_reference.prefetch import (
    DeferredPrefetchHandle,
    PrefetchStrategy,
    is_in_running_loop,
    log_failure,
)
from horde_model_reference.providers.base import ModelProvider
from horde_model_reference.providers.registry import ModelProviderRegistry
from horde_model_reference.reading_face import ReadingFace
from horde_model_reference.record_sources import record_source_of
from horde_model_reference.reference_reader import ReferenceReader
from horde_model_reference.settings import ai_horde_client_settings, horde_model_reference_settings

if TYPE_CHECKING:
    from horde_model_reference.integrations.horde_api import HordeApi
    from horde_model_reference.integrations.horde_popularity import PopularModelResult

log = logging.getLogger(__name__)

__all__ = ["DeferredPrefetchHandle", "ModelReferenceManager", "PrefetchStrategy"]


class ModelReferenceManager(ReadingFace, MetadataFace):
    """The manager of this process. The first construction decides; a later one returns the same object.

    A later one with an argument that differs raises `RuntimeError`; without arguments it never does. A first
    one that fails leaves nothing behind: `ValueError` for an unknown mode or strategy, `RuntimeError` for a
    back end of another mode. `offline` reads the copies on the disk, whatever the mode.
    """

    _instance: ClassVar["ModelReferenceManager | None"] = None
    _creating: ClassVar[ForkSafeLock] = ForkSafeLock()

    choices: SettledChoices
    _handle: DeferredPrefetchHandle | None
    _prefetch: Future[None] | None
    _horde: "HordeApi | None"
    _providers: ModelProviderRegistry

    def __new__(  # noqa: PYI034 - it may be an earlier object
        cls,
        *,
        backend: ModelReferenceBackend | None = None,
        base_path: Path | str | None = None,
        replicate_mode: ReplicateMode | str | None = None,
        prefetch_strategy: PrefetchStrategy | str | None = None,
        offline: bool | None = None,
    ) -> "ModelReferenceManager":
        """Return the manager; what is not given comes from the settings the first time."""
        choices = ManagerChoices(
            backend=backend,
            base_path=base_path,
            replicate_mode=replicate_mode,
            prefetch_strategy=prefetch_strategy,
            offline=offline,
        )
        with cls._creating:
            existing = cls._instance
            if existing is not None:
                choices.require_agreement(existing.choices, existing.backend)
                return existing
            made = super().__new__(cls)
            made._set_up(choices.settled())
            cls._instance = made
        begun = False
        try:
            made._begin()
            begun = True
        finally:
            if not begun:
                cls._withdraw(made)
        return made

    @classmethod
    def get_instance(cls) -> "ModelReferenceManager":
        """Return the manager of this process. Raises `RuntimeError` when there is none yet."""
        if cls._instance is None:
            raise RuntimeError("there is no ModelReferenceManager yet")
        return cls._instance

    @classmethod
    def has_instance(cls) -> bool:
        """Say whether there is a manager."""
        return cls._instance is not None

    @classmethod
    def reset(cls) -> None:
        """Forget the manager and end what it does in the background; meant for tests."""
        with cls._creating:
            existing, cls._instance = cls._instance, None
        if existing is not None:
            existing._end()  # noqa: SLF001 - one of this class

    def _set_up(self, choices: SettledChoices) -> None:
        self.choices = choices
        if choices.backend is None or choices.offline:
            self.backend = chosen_backend(choices.base_path, choices.replicate_mode, offline=choices.offline)
        else:
            self.backend = choices.backend
            if self.backend.replicate_mode is not choices.replicate_mode:
                raise RuntimeError(
                    f"the back end is a {self.backend.replicate_mode}, but {choices.replicate_mode} is wanted"
                )
        source = record_source_of(self.backend, ttl_seconds=horde_model_reference_settings.cache_ttl_seconds)
        self._providers = ModelProviderRegistry()
        self._reader = ReferenceReader(source, self._providers)
        self._prefetch = None
        self._horde = None
        self._handle = None

    def _begin(self) -> None:
        """Do what the prefetch strategy says."""
        match self.choices.prefetch_strategy:
            case PrefetchStrategy.SYNC:
                self.ensure_ready()
            case PrefetchStrategy.DEFERRED:
                self.create_deferred_prefetch_handle()
            case PrefetchStrategy.ASYNC:
                self.create_deferred_prefetch_handle()
                if is_in_running_loop():
                    self._prefetch = background_loop().submit(self.ensure_ready_async)
                    self._prefetch.add_done_callback(log_failure)
                else:
                    log.warning("nothing is loaded in the background: no event loop is running here")
            case PrefetchStrategy.LAZY | PrefetchStrategy.NONE:
                pass

    @classmethod
    def _withdraw(cls, made: "ModelReferenceManager") -> None:
        """Leave nothing behind: the construction failed."""
        with cls._creating:
            if cls._instance is made:
                cls._instance = None
        made._end()  # noqa: SLF001 - one of this class

    def _end(self) -> None:
        self._reader.close()
        if self._prefetch is not None:
            self._prefetch.cancel()
        if self.choices.backend is None:
            self.backend.close()

    @property
    def prefetch_strategy(self) -> PrefetchStrategy:
        """When the manager loads what it serves."""
        return self.choices.prefetch_strategy

    @property
    def offline(self) -> bool:
        """Whether only the disk is read."""
        return self.choices.offline

    @property
    def replicate_mode(self) -> ReplicateMode:
        """Whether the data are held here or followed."""
        return self.choices.replicate_mode

    @property
    def deferred_prefetch_handle(self) -> DeferredPrefetchHandle | None:
        """What loads everything, if one was made."""
        return self._handle

    @property
    def is_warm(self) -> bool:
        """Whether every category was loaded at least once, with whatever success."""
        return self._reader.has_tried_all

    @property
    def prefetch_pending(self) -> bool:
        """Whether there is a handle that nobody has run, and nothing is being loaded."""
        is_running = self._prefetch is not None and not self._prefetch.done()
        return self._handle is not None and not is_running and not self.is_warm

    @property
    def provider_registry(self) -> ModelProviderRegistry:
        """The further sources."""
        return self._providers

    @property
    def pending_queue_service(self) -> None:
        """None: proposals are reviewed by the service, not by the library."""
        return

    @property
    def group_alias_store(self) -> None:
        """None: the service keeps the aliases of text models."""
        return

    @property
    def group_family_store(self) -> None:
        """None: the service keeps the families of text models."""
        return

    @property
    def group_schema_store(self) -> None:
        """None: the service keeps the name schemas of text models."""
        return

    def create_deferred_prefetch_handle(self, *, force_refresh: bool = False) -> DeferredPrefetchHandle:
        """Make a handle; it becomes the current one."""
        self._handle = DeferredPrefetchHandle(self, force_refresh=force_refresh)
        return self._handle

    def ensure_ready(self, *, overwrite_existing: bool = False) -> None:
        """Load everything; afterwards it lies in memory and, for other processes, on the disk. Blocks."""
        self._reader.all_records(force=overwrite_existing, settle=True)

    async def ensure_ready_async(
        self,
        *,
        overwrite_existing: bool = False,
        httpx_client: object = None,  # noqa: ARG002
    ) -> None:
        """Do the same without blocking the loop."""
        await self._reader.all_records_async(force=overwrite_existing, settle=True)

    async def warm_cache_async(
        self,
        *,
        force_refresh: bool = False,
        httpx_client: object = None,  # noqa: ARG002
    ) -> None:
        """Load everything without blocking the loop."""
        await self.ensure_ready_async(overwrite_existing=force_refresh)

    def register_provider(self, provider: ModelProvider, *, replace: bool = False) -> None:
        """Add a source. Raises `ValueError` for an id that is taken, reserved or empty."""
        self._providers.register(provider, replace=replace)

    def unregister_provider(self, source_id: str) -> bool:
        """Forget a source; say whether there was one."""
        return self._providers.unregister(source_id)

    def list_providers(self) -> list[str]:
        """Return the ids of the further sources, in order of registration."""
        return self._providers.source_ids()

    def get_provider(self, source_id: str) -> ModelProvider | None:
        """Return the source of that id."""
        return self._providers.get(source_id)

    def register_invalidation_callback(self, callback: InvalidationCallback) -> None:
        """Have `callback(category)` called when data of a category changed, or were marked stale."""
        self.backend.register_invalidation_callback(callback)

    def unregister_invalidation_callback(self, callback: InvalidationCallback) -> bool:
        """Stop calling it. Returns whether it was registered."""
        return self.backend.unregister_invalidation_callback(callback)

    async def get_popular_models(
        self,
        category: str,
        *,
        limit: int = 10,
        sort_by: str = "worker_count",
        include_workers: bool = False,
    ) -> "list[PopularModelResult]":
        """Return the models that the AI-Horde uses most; none for others than image and text models."""
        with no_fork:
            from horde_model_reference.integrations.horde_api import HordeApi  # noqa: PLC0415 - few ask
            from horde_model_reference.integrations.horde_popularity import popular_models  # noqa: PLC0415

        if self._horde is None:
            self._horde = HordeApi(
                str(ai_horde_client_settings.ai_horde_url),
                timeout_seconds=horde_model_reference_settings.horde_api_timeout,
                cache_ttl_seconds=horde_model_reference_settings.horde_api_cache_ttl,
            )
        return await popular_models(
            await self.get_model_reference_async(category),
            as_category(category),
            limit=limit,
            sort_by=sort_by,
            include_workers=include_workers,
            fetch=self._horde.get,
        )

    model_reference_to_json_dict = staticmethod(model_reference_to_json_dict)
    model_reference_to_json_dict_safe = staticmethod(model_reference_to_json_dict_safe)
