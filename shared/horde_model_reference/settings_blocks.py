"""The blocks of `HordeModelReferenceSettings` (python-client.md section 9)."""

from pydantic import Field

from horde_model_reference.ecosystem_settings import GithubProxySettings
from horde_model_reference.environment_settings import SettingsBlock, TextList
from horde_model_reference.github_sources import (
    GITHUB_IMAGE_REPO_NAME,
    GITHUB_REPO_BRANCH,
    GITHUB_REPO_OWNER,
    GITHUB_TEXT_REPO_NAME,
    GithubRepository,
)

SEGMENT_BYTES = 5 * 1024 * 1024


class GithubRepoSettings(SettingsBlock):
    """One of the two legacy repositories."""

    owner: str = Field(default=GITHUB_REPO_OWNER, description="owner of the repository")
    name: str = Field(description="name of the repository")
    branch: str = Field(default=GITHUB_REPO_BRANCH, description="its branch")
    proxy_settings: GithubProxySettings = Field(default_factory=GithubProxySettings)

    @property
    def repository(self) -> GithubRepository:
        """The repository as the code that downloads takes it."""
        proxy = self.proxy_settings.github_proxy_url_base
        return GithubRepository(owner=self.owner, name=self.name, branch=self.branch, proxy_url=proxy)

    @property
    def repo_owner_and_name(self) -> str:
        """The repository as GitHub writes it: `owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def url_base_only(self) -> str:
        """The URL below which the files of the branch lie, through the proxy if there is one."""
        return self.repository.raw_base_url

    @property
    def git_clone_url(self) -> str:
        """The URL for `git clone`; no proxy is put before it."""
        return self.repository.clone_url

    def compose_full_file_url(self, file_name: str) -> str:
        """Return the URL of a file of the branch, through the proxy if there is one."""
        return self.repository.raw_url(file_name)


class ImageGithubRepoSettings(GithubRepoSettings):
    """The legacy repository of every category but the text models."""

    name: str = Field(default=GITHUB_IMAGE_REPO_NAME, description="name of the repository")


class TextGithubRepoSettings(GithubRepoSettings):
    """The legacy repository of the text models."""

    name: str = Field(default=GITHUB_TEXT_REPO_NAME, description="name of the repository")


class RedisSettings(SettingsBlock):
    """The cache that the processes of a PRIMARY share."""

    use_redis: bool = Field(
        default=False, description="PRIMARY: keep the documents in Redis; `REDIS_USE_REDIS` works too"
    )
    url: str = Field(
        default="redis://localhost:6379/0", repr=False, description="address, with the password if any"
    )
    pool_size: int = Field(default=10, ge=1, description="connections held open at most")
    socket_timeout: int = Field(default=5, ge=1, description="longest wait for an answer, in seconds")
    socket_connect_timeout: int = Field(
        default=5, ge=1, description="longest wait for a connection, in seconds"
    )
    retry_max_attempts: int = Field(default=3, ge=0, description="how often a call is tried")
    retry_backoff_seconds: float = Field(default=0.5, ge=0, description="pause before the next try")
    key_prefix: str = Field(default="horde:model_ref", description="put before every key, with a colon")
    ttl_seconds: int | None = Field(
        default=None, ge=0, description="age of a key at most; none: `CACHE_TTL_SECONDS`"
    )
    use_pubsub: bool = Field(default=True, description="tell the other processes what changed")


class AuditSettings(SettingsBlock):
    """The audit trail of a PRIMARY."""

    enabled: bool = Field(default=True, description="PRIMARY: keep an audit trail")
    max_segment_bytes: int = Field(
        default=SEGMENT_BYTES, ge=1, description="a file of the trail that is larger ends"
    )
    relative_subdir: str = Field(default="audit", description="its folder, below the base folder")
    root_path_override: str | None = Field(default=None, description="its folder, wherever it is")


class PendingQueueSettings(SettingsBlock):
    """The queue of proposed changes of a PRIMARY."""

    enabled: bool = Field(default=True, description="PRIMARY: accept proposals")
    relative_subdir: str = Field(default="pending_queue", description="its folder, below the base folder")
    root_path_override: str | None = Field(default=None, description="its folder, wherever it is")
    max_segment_bytes: int = Field(
        default=SEGMENT_BYTES, ge=1, description="a file of the queue that is larger ends"
    )
    requestor_ids: TextList = Field(default=[], description="AI-Horde user ids that may propose changes")
    approver_ids: TextList = Field(default=[], description="user ids that may propose, approve and apply")


class R2Settings(SettingsBlock):
    """The mirror of the model weights."""

    gateway_url: str | None = Field(
        default=None, description="mirror from which weights are taken first, by hash"
    )
    upload_bucket: str | None = Field(default=None, description="for the upload tool: name of the bucket")
    upload_endpoint_url: str | None = Field(
        default=None, description="for the upload tool: address of the server"
    )
    upload_access_key_id: str | None = Field(
        default=None, repr=False, description="for the upload tool: key id"
    )
    upload_secret_access_key: str | None = Field(
        default=None, repr=False, description="for the upload tool: its secret"
    )
    upload_region: str = Field(default="auto", description="for the upload tool: region")
