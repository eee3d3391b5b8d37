"""The shapes of the answers, for the description of the API. Answers are not made with these classes."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from registry.change_record import ChangeStatus, Operation
from registry.history_state import Touched

NetOperation = Literal["added", "modified", "deleted", "unchanged"]
Domain = Literal["v2", "legacy"]


class Roles(BaseModel):
    """Who the key belongs to, and what they may do."""

    user_id: str
    username: str
    roles: list[str] = Field(description="sorted")
    is_approver: bool
    is_requestor: bool


class CommentValue(BaseModel):
    """What somebody said about a change, and when in Unix seconds."""

    by: str
    username: str
    at: int
    text: str


class ChangeValue(BaseModel):
    """A proposed change. What is unset is null or absent. Times are Unix seconds."""

    change_id: int
    category: str
    model_name: str
    operation: Operation
    payload: dict[str, Any] = Field(description="the whole proposed record, or the one to be removed")
    payload_version: int = Field(description="1 as it was proposed, one more with every edit")
    requested_by: str
    requested_username: str
    requested_at: int
    status: ChangeStatus
    notes: str | None = None
    reason: str | None = Field(None, description="why the proposer wants it")
    base_revision: int = Field(description="the revision that the proposer looked at")
    batch_id: int | None = None
    batch_title: str | None = None
    approved_by: str | None = None
    approved_username: str | None = None
    approved_at: int | None = None
    rejected_by: str | None = None
    rejected_username: str | None = None
    rejected_at: int | None = None
    reject_reason: str | None = None
    applied_by: str | None = None
    applied_username: str | None = None
    applied_at: int | None = None
    applied_job_id: str | None = None
    applied_revision: int | None = None
    updated_at: int
    request_metadata: dict[str, Any] | None = None
    related_models: list[str] | None = Field(None, description="entries of the back ends, text models only")
    comments: list[CommentValue] = []


class ChangesPage(BaseModel):
    """Some of the changes, by ascending id."""

    items: list[ChangeValue]
    total: int = Field(description="matches before paging")
    offset: int
    limit: int


class Refused(BaseModel):
    """A conflict with the state of things, with the changes concerned as they now are."""

    detail: str
    change: ChangeValue | None = None
    changes: list[ChangeValue] | None = None
    conflicting_fields: list[str] | None = Field(None, description="changed by somebody else since")


class FieldDiffValue(BaseModel):
    """One field that differs."""

    field_path: str = Field(description="joined with dots")
    old_value: Any
    new_value: Any
    change_type: Literal["added", "removed", "modified"]


class DiffValue(BaseModel):
    """What a change would do to the record as it is live now."""

    change_id: int
    category: str
    model_name: str
    operation: Operation
    current_state: dict[str, Any] | None
    proposed_state: dict[str, Any] | None = Field(description="the record as applying would leave it")
    net_operation: NetOperation
    field_diffs: list[FieldDiffValue]
    is_critical: bool
    fields_added: list[str]
    fields_removed: list[str]
    fields_modified: list[str]
    conflicting_fields: list[str] = Field(description="changed by somebody else since: applying is refused")


class DiffError(BaseModel):
    """A change that cannot be compared."""

    change_id: int
    error: str
    error_type: Literal["NotFound"]


class Diffs(BaseModel):
    """Comparisons in the order asked for."""

    diffs: list[DiffValue]
    total: int = Field(description="how many were asked for")
    errors: list[DiffError]


class Decision(BaseModel):
    """What was decided. Without approvals there is no batch."""

    batch_id: int | None
    batch_title: str
    approved: list[ChangeValue]
    rejected: list[ChangeValue]


class Split(BaseModel):
    """Whether what was not applied of the batch moved to a new one."""

    batch_split_occurred: bool
    batch_split_original_batch_id: int | None = None
    batch_split_new_batch_id: int | None = None
    batch_split_reassigned_count: int | None = None


class AppliedOne(Split):
    """The change that was applied."""

    record: ChangeValue


class AppliedMany(Split):
    """The changes that were applied, in order."""

    applied: list[ChangeValue]


class ApplyRefused(BaseModel):
    """Why nothing was applied: the first change that cannot be."""

    detail: str
    applied: list[ChangeValue] | None = None
    failed_change_id: int | None = None
    failed_error: str | None = None
    failed_error_type: str | None = None
    batch_split_occurred: bool | None = None
    change: ChangeValue | None = None
    changes: list[ChangeValue] | None = None


class Purged(BaseModel):
    """What was hidden, or would be."""

    removed_count: int
    removed_change_ids: list[int]
    dry_run: bool


class ChangeEventValue(BaseModel):
    """One step of a change."""

    event_id: int
    timestamp: int
    action: str
    logical_user_id: str
    payload: dict[str, Any]


class AuditedChange(BaseModel):
    """A change and everything that happened to it."""

    change_id: int
    status: ChangeStatus
    operation: Operation
    category: str
    model_name: str
    requested_by: str
    requested_at: int
    approved_by: str | None
    approved_at: int | None
    rejected_by: str | None
    rejected_at: int | None
    reject_reason: str | None
    applied_by: str | None
    applied_at: int | None
    applied_job_id: str | None
    batch_id: int | None
    batch_title: str | None
    events: list[ChangeEventValue]


class AuditCurrent(BaseModel):
    """What waits for a decision, newest first."""

    domain: Domain
    pending_changes: list[AuditedChange]
    total_pending: int
    generated_at: int


class BatchSummary(BaseModel):
    """A batch in numbers; `approved_*` is its first decision, `applied_at` the last application."""

    batch_id: int
    batch_title: str | None
    approved_by: str | None
    approved_at: int | None
    applied_at: int | None
    approved_change_count: int
    rejected_change_count: int
    applied_change_count: int
    total_change_count: int
    last_event_id: int


class Batches(BaseModel):
    """Some of the batches, newest first."""

    domain: Domain
    batches: list[BatchSummary]
    next_cursor: int | None


class Batch(BatchSummary):
    """A batch and its changes."""

    changes: list[AuditedChange]


class NetChange(BaseModel):
    """What a batch did to one model."""

    model_name: str
    category: str
    net_operation: NetOperation
    before_state: dict[str, Any] | None
    after_state: dict[str, Any] | None
    field_diffs: list[FieldDiffValue]
    is_critical: bool


class NetChanges(BaseModel):
    """What a batch did to the catalogue."""

    batch_id: int
    batch_title: str | None
    domain: Domain
    model_changes: list[NetChange]
    models_added: int
    models_modified: int
    models_deleted: int
    models_unchanged: int
    total_field_changes: int
    has_critical_changes: bool
    generated_at: int


class AuditEvent(BaseModel):
    """One event of the audit. What is unset is absent."""

    event_id: int
    timestamp: int
    domain: Domain
    category: str = Field(description="a model category, a store of group data, `pending_queue` or `seeding`")
    model_name: str = Field(description="a model, or for events of the queue the id of the change")
    operation: Operation
    logical_user_id: str
    request_id: str | None = None
    payload: dict[str, Any]


class AuditEvents(BaseModel):
    """Some of the events, by ascending id."""

    events: list[AuditEvent]
    next_after: int | None = Field(description="go on with this as `after`; null at the end")


class Replayed(BaseModel):
    """The records of a category that its audit events come to."""

    category: str
    domain: Domain
    revision: int
    events_replayed: int
    records: dict[str, dict[str, Any]]


class RolledBack(BaseModel):
    """The new revision, and the records in which it differs from the one before it."""

    revision: int
    rolled_back_to: int
    touched: list[Touched]


class AliasEntry(BaseModel):
    """Other names of a group."""

    canonical: str
    aliases: list[str]


class FamilyEntry(BaseModel):
    """Groups that belong together."""

    family_name: str
    members: list[str]


class NameSchemaValue(BaseModel):
    """How the names of a group are composed."""

    separator: str
    part_order: list[str]
    author_included: bool
    common_author: str | None
    template: str | None
    extra_parts: list[str]


class NameSchemaEntry(BaseModel):
    """The naming schema of a group."""

    group_name: str
    name_schema: NameSchemaValue
    is_custom: Literal[True]


class CommonFieldsProposed(BaseModel):
    """One change for each model of the group."""

    updated_count: int
    batch_id: str
    pending_change_ids: list[int]


class NameExceptionProposed(BaseModel):
    """The change that waits for approval."""

    pending_change_id: int
