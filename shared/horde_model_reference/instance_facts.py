"""What an instance of a service says of itself: the parts of the event `instance.reported`.

A part that a service knows nothing of is missing. Fields are only ever added, unknown ones are ignored.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

MAX_TEXT = 500

Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$")]
"""A name that is shown to anybody, and so cannot be just any text."""

ErrorText = Annotated[str, Field(max_length=MAX_TEXT)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Fact(BaseModel):
    """Root of the parts."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class CheckFact(Fact):
    """How a check of the instance's health went, lately.

    `since` is when it began to go so; `last_error` is kept when it goes well again. `seconds` is how long the
    last one took, where that says something about a neighbour.
    """

    name: Word
    ok: bool
    required: bool = True
    since: AwareDatetime
    seconds: Seconds | None = None
    last_error: ErrorText = ""
    last_error_at: AwareDatetime | None = None


class QueueFact(Fact):
    """How many changes wait: for a decision, and, being approved, to be applied."""

    pending: Count
    approved: Count


class RolesFact(Fact):
    """Whether there is anybody who may propose, and who may decide."""

    requestor: bool
    approver: bool


class FiguresFact(Fact):
    """The age of the AI-Horde's figures of one kind of work; None: there never were any."""

    kind: Word
    received_at: AwareDatetime | None = None
    stale: bool = False


class WorkFact(Fact):
    """How many events wait in a work queue, and how many lie in its dead letters."""

    waiting: Count
    dead_letters: Count


class RepositoryFact(Fact):
    """What is known of a legacy repository (`owner/name`) after it was last compared.

    `drift` counts the records that differ, by category; `failures` says what failed, and why.
    """

    source: Word
    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$")]
    result: Word = "unknown"
    compared_at: AwareDatetime | None = None
    revision: int | None = None
    drift: Mapping[Word, Count] = Field(default_factory=dict)
    failures: Mapping[str, str] = Field(default_factory=dict)
    failed_runs: Count = 0
    pull_number: int | None = None
    pull_url: Annotated[str, Field(max_length=500)] = ""
