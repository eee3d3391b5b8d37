"""Events: what the services tell each other, as JSON (architecture.md section 3).

An event says that something has happened; the truth is in the journal. So whoever hears one acts on "the
journal reaches at least `sequence`", never on the payload alone: events may come twice, late, in another
order, or never.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from horde_model_reference.instance_facts import (
    CheckFact,
    FiguresFact,
    QueueFact,
    RepositoryFact,
    RolesFact,
    Seconds,
    Word,
    WorkFact,
)

Ids = tuple[int, ...]


class EventInvalid(ValueError):
    """A message under a known routing key is not the event that belongs there."""


class Announcement(BaseModel):
    """What every event says, also one that is not about the journal. `routing_key` names its type.

    Fields are only ever added, and unknown ones are ignored, so that services of different versions
    understand each other; `schema_version` counts such additions. What cannot be said that way is a new
    type under a new routing key.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    routing_key: ClassVar[str]

    event_id: str = Field(default_factory=lambda: uuid4().hex, min_length=1, max_length=64)
    schema_version: int = Field(2, ge=1)
    occurred_at: AwareDatetime
    request_id: str = Field("", max_length=128)
    """The HTTP request that led to it, as logs name it; empty where there was none. Since version 2."""

    def render(self) -> bytes:
        """Return the JSON text that goes over the wire."""
        return self.model_dump_json().encode()


class Event(Announcement):
    """What every event about the journal says."""

    sequence: int = Field(ge=1)
    """The journal entry that the event speaks of."""
    revision: int = Field(ge=0)
    """The revision of the catalogue after that entry; 0 before the first."""


class CatalogCommitted(Event):
    """The catalogue has a new revision. `kind` is the kind of the journal entry that made it.

    `change_ids` are the changes that it came from, if it came from the queue; told since version 2.
    """

    routing_key: ClassVar[str] = "catalog.committed"

    kind: str
    change_ids: Ids = ()


class ChangeProposed(Event):
    """Changes were put into the queue."""

    routing_key: ClassVar[str] = "change.proposed"

    change_ids: Ids
    user_id: str


class ChangeDecided(Event):
    """A moderator approved some changes and rejected others, in one step."""

    routing_key: ClassVar[str] = "change.decided"

    approved_ids: Ids = ()
    rejected_ids: Ids = ()
    user_id: str


class ChangeApplied(Event):
    """Approved changes became part of the catalogue, all in one revision."""

    routing_key: ClassVar[str] = "change.applied"

    change_ids: Ids
    user_id: str
    job_id: str | None = None


class StatsRefreshed(Announcement):
    """New figures of the AI-Horde lie in the shared cache, where they are to be read.

    `published_at` (Unix seconds) is when those of each kind of work were put there.
    """

    routing_key: ClassVar[str] = "stats.refreshed"

    published_at: Mapping[str, float]


class SyncEnded(Announcement):
    """What is known after a legacy repository (`owner/name`) was compared with the catalogue.

    `revision` is what it was compared with, where that is known; `drift` counts the records that differ, by
    category; the pull request is the one that is open now, if any.
    """

    repository: str
    revision: int | None = None
    drift: Mapping[str, int] = Field(default_factory=dict)
    pull_number: int | None = None
    pull_url: str = ""


class SyncCompleted(SyncEnded):
    """A legacy repository was compared, and what was to be done is done. `result` says what that was."""

    routing_key: ClassVar[str] = "sync.completed"

    result: str


class SyncFailed(SyncEnded):
    """A legacy repository is not in step: `failures` says why, by category or for the whole repository."""

    routing_key: ClassVar[str] = "sync.failed"

    failures: Mapping[str, str]


class InstanceReported(Announcement):
    """What an instance of a service says of itself, every ten seconds and when something happens to it.

    `number` counts its reports; `parts` are the services whose work it does, of which one process may do
    several; `sequence` and `revision` are those of the journal that it has, where it has any. `latencies` are
    the seconds of the last answer of `ai_horde` and `github`, which no check asks. `host` and the texts of
    errors are for operators only.
    """

    routing_key: ClassVar[str] = "instance.reported"

    service: Word
    instance_id: Word
    number: int = Field(ge=1)
    parts: tuple[Word, ...] = ()
    version: Word = "0"
    host: str = Field("", max_length=253)
    started_at: AwareDatetime
    state: Literal["starting", "running", "stopping"]
    sequence: int | None = Field(None, ge=0)
    revision: int | None = Field(None, ge=0)
    checks: tuple[CheckFact, ...] = ()
    latencies: Mapping[Word, Seconds] = Field(default_factory=dict)
    queue: QueueFact | None = None
    roles: RolesFact | None = None
    figures: tuple[FiguresFact, ...] = ()
    work: WorkFact | None = None
    repositories: tuple[RepositoryFact, ...] = ()
    unseeded: tuple[Word, ...] | None = None


EVENT_TYPES: Final[Mapping[str, type[Announcement]]] = {
    event_type.routing_key: event_type
    for event_type in (
        CatalogCommitted,
        ChangeProposed,
        ChangeDecided,
        ChangeApplied,
        StatsRefreshed,
        SyncCompleted,
        SyncFailed,
        InstanceReported,
    )
}


def parse_event(routing_key: str, body: bytes) -> Announcement | None:
    """Return the event, or None for a type that is not known here. Raises `EventInvalid`."""
    event_type = EVENT_TYPES.get(routing_key)
    if event_type is None:
        return None
    try:
        return event_type.model_validate_json(body)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise EventInvalid(f"no {routing_key}: {problems}") from None
