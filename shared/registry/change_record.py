"""One proposed change and everything that happened to it (http-write-api.md section 6)."""

from typing import Any, Final, Literal

from pydantic import Field

from registry.catalogue import FrozenModel

Operation = Literal["create", "update", "delete"]
Form = Literal["v2", "legacy"]
ChangeStatus = Literal["pending", "approved", "applied", "rejected", "withdrawn"]

OPEN: Final[frozenset[ChangeStatus]] = frozenset({"pending", "approved"})


class Stamp(FrozenModel):
    """Who did something, and when in Unix seconds."""

    by: str
    username: str
    at: int


class Comment(FrozenModel):
    """What somebody had to say about a change."""

    stamp: Stamp
    text: str


class ChangeEvent(FrozenModel):
    """One step of a change as the audit shows it (http-write-api.md section 13.1)."""

    event_id: int
    timestamp: int
    action: str
    logical_user_id: str
    payload: dict[str, Any]


class ChangeRecord(FrozenModel):
    """A change. `form` is the format of `payload`; `base_revision` is what the proposer looked at.

    A change that is approved but not applied belongs to the one open batch, which can get another number
    when a part of it is applied: `QueueState.batch_id_of` knows it. `batch_id` is set once it is final.
    """

    change_id: int = Field(ge=1)
    category: str
    model_name: str
    operation: Operation
    form: Form
    payload: dict[str, Any]
    base_revision: int
    requested: Stamp
    status: ChangeStatus = "pending"
    updated_at: int
    reason: str | None = None
    notes: str | None = None
    batch_id: int | None = None
    batch_title: str | None = None
    approved: Stamp | None = None
    rejected: Stamp | None = None
    reject_reason: str | None = None
    applied: Stamp | None = None
    applied_job_id: str | None = None
    applied_revision: int | None = None
    applied_sequence: int | None = None
    request_metadata: dict[str, Any] | None = None
    related_models: tuple[str, ...] | None = None
    comments: tuple[Comment, ...] = ()
    events: tuple[ChangeEvent, ...] = ()
    hidden: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it can still come into the catalogue."""
        return self.status in OPEN and not self.hidden

    @property
    def payload_version(self) -> int:
        """How often the payload was written: 1 as it was proposed, one more with every edit."""
        return 1 + sum(1 for event in self.events if event.action == "edit")

    @property
    def key(self) -> str:
        """What it is about, as the indexes of the state name it."""
        return model_key(self.category, self.model_name)


def model_key(category: str, model_name: str) -> str:
    """Return the key of a model in the indexes of the state."""
    return f"{category}/{model_name}"
