"""What a manager is made with, and whether it agrees with a later wish (python-client.md section 2)."""

from pathlib import Path
from typing import NamedTuple

from horde_model_reference.backends.base import ModelReferenceBackend
from horde_model_reference.meta_consts import ReplicateMode
from horde_model_reference.path_consts import horde_model_reference_paths
from horde_model_reference.prefetch import PrefetchStrategy
from horde_model_reference.settings import MODE_AT_IMPORT, OFFLINE_AT_IMPORT


class ManagerChoices(NamedTuple):
    """The arguments of the constructor; None: not given."""

    backend: ModelReferenceBackend | None = None
    base_path: Path | str | None = None
    replicate_mode: ReplicateMode | str | None = None
    prefetch_strategy: PrefetchStrategy | str | None = None
    offline: bool | None = None

    def settled(self) -> "SettledChoices":
        """Fill in the defaults. Raises `ValueError` for an unknown mode or strategy."""
        offline = OFFLINE_AT_IMPORT if self.offline is None else self.offline
        mode = (
            ReplicateMode(_upper(self.replicate_mode)) if self.replicate_mode is not None else MODE_AT_IMPORT
        )
        base_path = horde_model_reference_paths.base_path if self.base_path is None else self.base_path
        strategy = PrefetchStrategy.LAZY if self.prefetch_strategy is None else self.prefetch_strategy
        return SettledChoices(
            backend=self.backend,
            base_path=Path(base_path).absolute(),
            replicate_mode=ReplicateMode.REPLICA if offline else mode,
            prefetch_strategy=PrefetchStrategy(strategy),
            offline=offline,
        )

    def require_agreement(self, existing: "SettledChoices", backend: ModelReferenceBackend) -> None:
        """Raise `RuntimeError` if what is given differs from what the manager was made with."""
        wanted = self.settled()
        differing = [
            name
            for name, differs in (
                ("backend", self.backend is not None and self.backend is not backend),
                ("base_path", self.base_path is not None and wanted.base_path != existing.base_path),
                ("offline", self.offline is not None and wanted.offline != existing.offline),
                (
                    "replicate_mode",
                    self.replicate_mode is not None
                    and not existing.offline
                    and wanted.replicate_mode is not existing.replicate_mode,
                ),
                (
                    "prefetch_strategy",
                    self.prefetch_strategy is not None
                    and wanted.prefetch_strategy is not existing.prefetch_strategy,
                ),
            )
            if differs
        ]
        if differing:
            raise RuntimeError(
                f"the ModelReferenceManager of this process exists with another {', '.join(differing)}"
            )


class SettledChoices(NamedTuple):
    """What a manager is made with."""

    backend: ModelReferenceBackend | None
    base_path: Path
    replicate_mode: ReplicateMode
    prefetch_strategy: PrefetchStrategy
    offline: bool


def _upper(mode: ReplicateMode | str) -> str:
    return str(mode).upper()
