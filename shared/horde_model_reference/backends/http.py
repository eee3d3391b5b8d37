"""Follows a PRIMARY, and falls back to GitHub (python-client.md section 5)."""

from typing import TYPE_CHECKING, Any

from horde_model_reference.backends.github import GitHubBackend
from horde_model_reference.backends.replica_base import ReplicaBackendBase
from horde_model_reference.meta_consts import ReplicateMode
from horde_model_reference.no_fork import no_fork
from horde_model_reference.settings import horde_model_reference_settings

if TYPE_CHECKING:
    from horde_model_reference.replica.replica_session import ReplicaPlan


class HTTPBackend(ReplicaBackendBase):
    """Reads from the service at `primary_api_url`; `github_backend` says what to do where it fails.

    Times are in seconds; `timeout_seconds` is for one attempt. What is not given comes from the settings.
    Raises `ValueError` if `github_backend` is not one of a replica.
    """

    def __init__(  # noqa: PLR0913 - given by the contract
        self,
        *,
        primary_api_url: str,
        github_backend: GitHubBackend,
        cache_ttl_seconds: float = 60,
        timeout_seconds: float | None = None,
        retry_max_attempts: int = 3,
        retry_backoff_seconds: float = 1.0,
        enable_github_fallback: bool | None = None,
    ) -> None:
        if github_backend.replicate_mode is not ReplicateMode.REPLICA:
            raise ValueError("the back end for GitHub must be one of a replica")
        super().__init__(github_backend.base_path, cache_ttl_seconds=cache_ttl_seconds)
        settings = horde_model_reference_settings
        self._primary_api_url = primary_api_url.rstrip("/")
        self._github_backend = github_backend
        self._timeout_seconds = settings.primary_api_timeout if timeout_seconds is None else timeout_seconds
        self._retry_max_attempts = retry_max_attempts
        self._retry_backoff_seconds = retry_backoff_seconds
        self._falls_back = (
            settings.enable_github_fallback if enable_github_fallback is None else enable_github_fallback
        )

    @property
    def primary_api_url(self) -> str:
        """The service that is followed, with `/api`."""
        return self._primary_api_url

    def supports_statistics(self) -> bool:
        """Say that `get_statistics` can be used."""
        return True

    def get_statistics(self) -> dict[str, Any]:
        """Return how often the PRIMARY and GitHub gave something, the requests and the bytes they took."""
        return dict(self.session().statistics())

    def _plan(self) -> "ReplicaPlan":
        with no_fork:
            from horde_model_reference.replica.replica_session import PrimaryPlan, ReplicaPlan  # noqa: PLC0415

        settings = horde_model_reference_settings
        return ReplicaPlan(
            base_path=self._base_path,
            ttl_seconds=self._cache_ttl_seconds,
            primary=PrimaryPlan(
                url=self._primary_api_url,
                timeout_seconds=self._timeout_seconds,
                attempts=self._retry_max_attempts,
                backoff_seconds=self._retry_backoff_seconds,
                follow_feed=settings.change_feed_enabled,
                public_key=settings.signing_public_key if settings.require_signature else None,
            ),
            github=self._github_backend.github_plan() if self._falls_back else None,
        )
