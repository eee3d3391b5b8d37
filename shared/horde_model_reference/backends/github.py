"""Reads the files of the legacy repositories on GitHub (python-client.md section 5)."""

from pathlib import Path
from typing import TYPE_CHECKING

from horde_model_reference.backends.replica_base import ReplicaBackendBase
from horde_model_reference.github_sources import GithubPlan
from horde_model_reference.meta_consts import ReplicateMode
from horde_model_reference.no_fork import no_fork
from horde_model_reference.path_consts import horde_model_reference_paths
from horde_model_reference.settings import horde_model_reference_settings

if TYPE_CHECKING:
    from horde_model_reference.replica.replica_session import ReplicaPlan


class GitHubBackend(ReplicaBackendBase):
    """Downloads the legacy files below `base_path` and converts them. Times are in seconds.

    What is not given comes from the settings. Raises `ValueError` for another mode than REPLICA.
    """

    def __init__(
        self,
        *,
        base_path: Path | str | None = None,
        cache_ttl_seconds: float | None = None,
        retry_max_attempts: int | None = None,
        retry_backoff_seconds: float | None = None,
        replicate_mode: ReplicateMode | str = ReplicateMode.REPLICA,
    ) -> None:
        if ReplicateMode(replicate_mode) is not ReplicateMode.REPLICA:
            raise ValueError("only a replica reads from GitHub")
        settings = horde_model_reference_settings
        super().__init__(
            horde_model_reference_paths.base_path if base_path is None else base_path,
            cache_ttl_seconds=settings.cache_ttl_seconds if cache_ttl_seconds is None else cache_ttl_seconds,
        )
        self._attempts = retry_max_attempts
        self._backoff_seconds = retry_backoff_seconds

    @property
    def base_path(self) -> Path:
        """The folder of the copies."""
        return self._base_path

    def github_plan(self) -> GithubPlan:
        """Return how GitHub is asked."""
        return horde_model_reference_settings.github_plan(
            attempts=self._attempts, backoff_seconds=self._backoff_seconds
        )

    def _plan(self) -> "ReplicaPlan":
        with no_fork:
            from horde_model_reference.replica.replica_session import ReplicaPlan  # noqa: PLC0415

        return ReplicaPlan(
            base_path=self._base_path,
            ttl_seconds=self._cache_ttl_seconds,
            primary=None,
            github=self.github_plan(),
        )
