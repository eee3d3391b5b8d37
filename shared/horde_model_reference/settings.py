"""The settings of the library, read from the environment (python-client.md section 9).

`horde_model_reference_settings` is made when this module is imported; `HordeModelReferenceSettings()` reads
the environment anew. Both can be changed by assignment.
"""

from typing import Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from horde_model_reference.ecosystem_settings import (
    AiHordeCiSettings,
    AiHordeClientSettings,
    AiHordeWorkerSettings,
    GithubProxySettings,
    ai_horde_ci_settings,
    ai_horde_client_settings,
    ai_horde_worker_settings,
    current_cache_home,
    github_proxy_settings,
)
from horde_model_reference.environment_settings import ENV_PREFIX, EnvironmentSettings, Seconds, TextList
from horde_model_reference.github_sources import GithubPlan, GithubRepository
from horde_model_reference.meta_consts import (
    CanonicalFormat,
    GithubSource,
    ReplicateMode,
    get_category_descriptor,
    is_registered_category,
)
from horde_model_reference.settings_blocks import (
    AuditSettings,
    GithubRepoSettings,
    ImageGithubRepoSettings,
    PendingQueueSettings,
    R2Settings,
    RedisSettings,
    TextGithubRepoSettings,
)

__all__ = [
    "DEFAULT_PRIMARY_API_URL",
    "AiHordeCiSettings",
    "AiHordeClientSettings",
    "AiHordeWorkerSettings",
    "AuditSettings",
    "GithubProxySettings",
    "GithubRepoSettings",
    "HordeModelReferenceSettings",
    "ImageGithubRepoSettings",
    "PendingQueueSettings",
    "R2Settings",
    "RedisSettings",
    "TextGithubRepoSettings",
    "ai_horde_ci_settings",
    "ai_horde_client_settings",
    "ai_horde_worker_settings",
    "current_cache_home",
    "github_proxy_settings",
    "horde_model_reference_settings",
]

DEFAULT_PRIMARY_API_URL: Final = "https://models.aihorde.net/api"


def _in_capitals(given: object) -> object:
    return given.upper() if isinstance(given, str) else given


def _in_small_letters(given: object) -> object:
    return given.lower() if isinstance(given, str) else given


def _text(given: object) -> object:
    return "" if given is None else given


class HordeModelReferenceSettings(EnvironmentSettings):
    """Everything that can be set. Keyword arguments win over `HORDE_MODEL_REFERENCE_...` variables.

    A replica uses neither Redis nor the seed from GitHub, and nobody does who is offline: these two are
    switched off at construction, whatever was asked for.
    """

    variable_prefix: ClassVar[str] = ENV_PREFIX

    replicate_mode: Annotated[ReplicateMode, BeforeValidator(_in_capitals)] = Field(
        default=ReplicateMode.REPLICA,
        description="`REPLICA` follows a service, `PRIMARY` holds the data itself",
    )
    primary_api_url: Annotated[str, BeforeValidator(_text)] = Field(
        default=DEFAULT_PRIMARY_API_URL, description="the service to follow, with `/api`; empty: only GitHub"
    )
    primary_api_timeout: Seconds = Field(
        default=10, gt=0, description="seconds that one attempt at asking it may take"
    )
    enable_github_fallback: bool = Field(
        default=True, description="take the files on GitHub where it does not answer"
    )
    cache_ttl_seconds: Seconds = Field(
        default=60, ge=0, description="age after which data are looked for again"
    )
    change_feed_enabled: bool = Field(default=True, description="follow its live feed where it has one")
    signing_public_key: str | None = Field(
        default=None, description="the key that entries are signed with: base64, or a file that holds it"
    )
    require_signature: bool = Field(
        default=False, description="take nothing from it that is not signed with that key"
    )
    offline: bool = Field(default=False, description="only read what lies on the disk")
    make_folders: bool = Field(default=False, description="create the folders when the library is imported")
    legacy_download_retry_max_attempts: int = Field(
        default=3, ge=0, description="how often a file on GitHub is tried"
    )
    legacy_download_retry_backoff_seconds: int = Field(
        default=2, ge=0, description="seconds between these tries"
    )
    image_github_repo: ImageGithubRepoSettings = Field(default_factory=ImageGithubRepoSettings)
    text_github_repo: TextGithubRepoSettings = Field(default_factory=TextGithubRepoSettings)
    canonical_format: Annotated[CanonicalFormat, BeforeValidator(_in_small_letters)] = Field(
        default=CanonicalFormat.v2, description="PRIMARY: the format that accepts writes, `v2` or `legacy`"
    )
    github_seed_enabled: bool = Field(default=False, description="PRIMARY: fill an empty folder from GitHub")
    redis: RedisSettings = Field(default_factory=RedisSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    pending_queue: PendingQueueSettings = Field(default_factory=PendingQueueSettings)
    r2: R2Settings = Field(default_factory=R2Settings)
    horde_api_timeout: int = Field(
        default=30, gt=0, description="seconds that a call of the AI-Horde may take"
    )
    horde_api_cache_ttl: int = Field(default=60, ge=0, description="seconds that its answers are kept")
    statistics_cache_ttl: int = Field(default=300, ge=0, description="seconds that statistics are kept")
    deletion_risk_cache_ttl: int = Field(
        default=300, ge=0, description="seconds that deletion risks are kept"
    )
    enable_statistics_precompute: bool = Field(default=False, description="not used")
    preferred_file_hosts: TextList = Field(
        default=["huggingface.co"], description="hosts that files of models should lie on"
    )
    low_usage_threshold_percentage: float = Field(
        default=0.0065, description="a share of use below it is low"
    )
    text_gen_low_usage_threshold_percentage: float = Field(
        default=0.02, description="the same for text models"
    )
    text_gen_ignore_download_hosts: bool = Field(
        default=True, description="hosts of text models do not matter"
    )
    text_gen_critical_usage_threshold: int = Field(
        default=10, description="uses of a text model that are few"
    )
    text_gen_critical_worker_threshold: int = Field(
        default=1, description="workers of a text model that are few"
    )
    cache_hydration_enabled: bool = Field(
        default=False, description="PRIMARY: compute statistics ahead of requests"
    )
    cache_hydration_interval_seconds: int = Field(
        default=240, gt=0, description="seconds from one time to the next"
    )
    cache_hydration_stale_ttl_seconds: int = Field(
        default=3600, ge=0, description="seconds that old ones are served"
    )
    cache_hydration_startup_delay_seconds: int = Field(
        default=5, ge=0, description="seconds before the first time"
    )
    cors_allowed_origins: TextList = Field(default=[], description="PRIMARY: web origins that may call it")

    @field_validator("require_signature")
    @classmethod
    def _has_a_key(cls, given: bool, info: ValidationInfo) -> bool:
        if given and not info.data.get("signing_public_key"):
            raise ValueError("needs SIGNING_PUBLIC_KEY")
        return given

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401, ARG002 - pydantic's signature
        """Switch off what the mode has no use for."""
        if self.offline or self.replicate_mode is not ReplicateMode.PRIMARY:
            self.redis = self.redis.model_copy(update={"use_redis": False})
            self.github_seed_enabled = False

    def get_repo_by_category(self, category: str) -> GithubRepoSettings:
        """Return the repository of a category: that of the text models, else that of the image models."""
        known = is_registered_category(category)
        is_text = known and get_category_descriptor(category).github_source is GithubSource.text
        return self.text_github_repo if is_text else self.image_github_repo

    def github_plan(
        self,
        *,
        image: GithubRepository | None = None,
        text: GithubRepository | None = None,
        attempts: int | None = None,
        backoff_seconds: float | None = None,
    ) -> GithubPlan:
        """Return how GitHub is asked: as is given, and else as is set."""
        set_attempts, set_seconds = (
            self.legacy_download_retry_max_attempts,
            self.legacy_download_retry_backoff_seconds,
        )
        return GithubPlan(
            image=image or self.image_github_repo.repository,
            text=text or self.text_github_repo.repository,
            attempts=set_attempts if attempts is None else attempts,
            backoff_seconds=set_seconds if backoff_seconds is None else backoff_seconds,
        )


horde_model_reference_settings: Final = HordeModelReferenceSettings()

MODE_AT_IMPORT: Final = horde_model_reference_settings.replicate_mode
OFFLINE_AT_IMPORT: Final = horde_model_reference_settings.offline
"""Defaults of the manager, which later assignments do not change (python-client.md section 2)."""
