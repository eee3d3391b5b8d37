"""What each kind of journal entry carries (architecture section 2)."""

from typing import Any, Literal

from pydantic import Field

from registry.catalogue import FrozenModel, Sha256
from registry.change_record import Form, Operation
from registry.entries import EntryBody
from registry.history_state import Touched


class SeededCategory(FrozenModel):
    """How many records a category had after seeding, how many of its source were left out, what was read.

    `files` are the hashes of the source by file name. `repository` is `owner/name` on GitHub; without
    `commit` the files are those of the branch at that time. Entries of former versions name none of it.
    """

    records: int
    rejected: int = 0
    files: dict[str, Sha256] = Field(default_factory=dict)
    repository: str | None = None
    branch: str | None = None
    commit: str | None = None


class Seeded(EntryBody):
    """The catalogue was read from files of the legacy repositories.

    `categories` were made what the files say; `left` kept what they had before, edits included.
    """

    source: str
    categories: dict[str, SeededCategory]
    touched: tuple[Touched, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def fetched(self) -> tuple[str, ...]:
        """The categories that came from a repository; each makes an audit event (sync.md section 13)."""
        return tuple(name for name, one in self.categories.items() if one.repository is not None)


class ProposedChange(FrozenModel):
    """A change as it was proposed; the fold gives it its id."""

    category: str
    model_name: str
    operation: Operation
    form: Form
    payload: dict[str, Any]
    base_revision: int
    reason: str | None = None
    notes: str | None = None
    request_metadata: dict[str, Any] | None = None
    related_models: tuple[str, ...] | None = None


class Proposed(EntryBody):
    """One or several changes were proposed together."""

    changes: tuple[ProposedChange, ...] = Field(min_length=1)


class Edited(EntryBody):
    """The proposer replaced the payload of a pending change."""

    change_id: int
    payload: dict[str, Any]
    base_revision: int
    reason: str | None = None


class Commented(EntryBody):
    """Somebody commented on a change."""

    change_id: int
    text: str


class Withdrawn(EntryBody):
    """The proposer took a pending change back."""

    change_id: int
    reason: str | None = None


class Decided(EntryBody):
    """Pending changes were approved and rejected in one request."""

    batch_title: str
    approved_ids: tuple[int, ...] = ()
    rejected_ids: tuple[int, ...] = ()
    reject_reason: str | None = None


class Unapproved(EntryBody):
    """An approved change became pending again."""

    change_id: int
    reason: str | None = None


class AppliedChange(FrozenModel):
    """A change that came into the catalogue, and what it came to there."""

    change_id: int
    job_id: str
    touched: Touched


class Applied(EntryBody):
    """Approved changes came into the catalogue, all in one revision, in this order."""

    changes: tuple[AppliedChange, ...] = Field(min_length=1)


class RolledBack(EntryBody):
    """The records became again what they were at a former revision."""

    to_revision: int
    touched: tuple[Touched, ...]
    reason: str | None = None


class GroupDataChanged(EntryBody):
    """What is stored beside the text models changed: aliases, families or name schemas."""

    store: Literal["aliases", "families", "name_schemas"]
    name: str
    before: Any = None
    after: Any = None


class Hidden(EntryBody):
    """Changes were taken out of the queue's views; the journal keeps them."""

    change_ids: tuple[int, ...] = Field(min_length=1)
