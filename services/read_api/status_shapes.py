"""The shape of `/status`, for the description of the API. Answers are not made with these classes."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from registry.catalogue import RejectedRecord


class CategoryStatus(BaseModel):
    """One category as it is being served."""

    models: int
    v2_bytes: int
    legacy_bytes: int | None
    rejected: list[RejectedRecord] = Field(description="records of the source that cannot be read as v2")


class StoreStatus(BaseModel):
    """Contact with the journal, or of a replica with its PRIMARY."""

    reachable: bool
    seconds_since_contact: float | None
    problem: str | None


class StatusReason(BaseModel):
    """Why the system is not operational."""

    code: Literal["down", "degraded", "behind", "old_figures", "dead_letters", "not_compared", "never_seeded"]
    component: str
    text: str


class ComponentStatus(BaseModel):
    """A service, or a server that services lean on."""

    state: Literal["operational", "degraded", "down", "unknown"] = Field(
        description="unknown: nothing was heard of it; there need not be any"
    )
    since: str | None
    ready: int = Field(description="instances of a service that serve, or that reach a server")
    total: int
    latency_seconds: float | None
    last_error_at: str | None


class InstanceStatus(BaseModel):
    """An instance as it last reported."""

    id: str = Field(description="random, new at each start")
    service: str
    parts: list[str] = Field(description="the services whose work it does")
    version: str
    presence: Literal["live", "silent", "stopping"] = Field(
        description="silent: no report for 35 seconds; after ten minutes it is forgotten"
    )
    state: Literal["starting", "running", "stopping"]
    started_at: str
    last_report_at: str
    revision: int | None
    lag: int | None = Field(description="revisions that it is behind")


class QueueStatus(BaseModel):
    """Changes that wait: for a decision, and, being approved, to be applied."""

    pending: int
    approved: int


class EventsStatus(BaseModel):
    """Events that the sync-worker has yet to carry over, and those that it could not."""

    waiting: int
    dead_letters: int


class FiguresStatus(BaseModel):
    """Since when the figures of the AI-Horde are as they are; null: there never were any."""

    kind: str
    received_at: str | None
    stale: bool


class PullRequestStatus(BaseModel):
    """The open pull request."""

    number: int
    url: str | None


class RepositoryStatus(BaseModel):
    """A legacy repository, as it was when it was last compared."""

    repository: str
    state: Literal["in_step", "differs", "failing", "unknown"]
    differences: int = Field(description="records that differ")
    revision: int | None
    compared_at: str | None
    pull_request: PullRequestStatus | None


class RolesStatus(BaseModel):
    """Whether there is anybody who may propose, and who may decide."""

    requestor: bool
    approver: bool


class Status(BaseModel):
    """How the system is doing, and what the instance that answers serves."""

    overall: Literal["operational", "degraded", "down"]
    reasons: list[StatusReason]
    head_revision: int | None = Field(description="the newest revision that any instance has")
    components: dict[str, ComponentStatus]
    instances: list[InstanceStatus]
    queue: QueueStatus | None
    events: EventsStatus | None
    statistics: list[FiguresStatus]
    github: list[RepositoryStatus]
    never_seeded: list[str] | None
    roles_configured: RolesStatus | None
    revision: int | None = Field(description="null while nothing is loaded; 0: the journal is empty")
    sequence: int | None
    committed_at: str | None
    stale: bool
    store: StoreStatus
    categories: dict[str, CategoryStatus]
    replicate_mode: Literal["PRIMARY", "REPLICA"]
    canonical_format: Literal["v2", "legacy"]
    writable: bool
    cors_origins: int = Field(description="web origins that may send keys")
    knows: Literal["every instance", "this instance only"]
    details: dict[str, Any] | None = Field(description="for approvers: hosts, checks, errors")
    details_withheld: str | None
