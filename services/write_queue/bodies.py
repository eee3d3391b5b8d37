"""What requests say in their bodies."""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from write_queue.parameters import MAX_REASON_CHARACTERS, JobId, Status, require_group_name

MAX_IDS: Final = 10_000
MAX_NAME_CHARACTERS: Final = 1000
MAX_MEMBERS: Final = 1000

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_REASON_CHARACTERS)]
Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARACTERS),
    AfterValidator(require_group_name),
]
PositiveId = Annotated[int, Field(ge=1)]


Ids = Annotated[list[int], Field(max_length=MAX_IDS)]


class DecisionBody(BaseModel):
    """Which changes are approved and which rejected. Ids below 1 are ignored.

    `seen_versions` holds by change id the `payload_version` that was looked at: if one of these changes was
    edited since, nothing is decided.
    """

    batch_title: Title
    approved_ids: Ids = []
    rejected_ids: Ids = []
    reject_reason: Reason | None = None
    seen_versions: Annotated[dict[int, int], Field(max_length=MAX_IDS)] = {}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        self.approved_ids = _positive(self.approved_ids)
        self.rejected_ids = _positive(self.rejected_ids)
        if not self.approved_ids and not self.rejected_ids:
            raise ValueError("approved_ids and rejected_ids are both empty: there is nothing to decide")
        if both := sorted(set(self.approved_ids) & set(self.rejected_ids)):
            raise ValueError(f"to be approved and rejected at the same time: {both[:20]}")
        if self.rejected_ids and not self.reject_reason:
            raise ValueError("reject_reason is needed to reject changes")
        return self


class ApplyBody(BaseModel):
    """The caller's name for the job; sent again with the same one, the first answer is repeated."""

    job_id: JobId | None = None


class ApplyManyBody(ApplyBody):
    """Which changes to apply, in this order."""

    change_ids: list[PositiveId] = Field(min_length=1, max_length=MAX_IDS)
    allow_mixed_batch: bool = False


class PurgeBody(BaseModel):
    """Which changes to hide: those that fulfil every criterion that is given, or all."""

    statuses: list[Status] = []
    categories: list[MODEL_REFERENCE_CATEGORY] = []
    model_name: str | None = Field(None, max_length=200)
    requested_by: Annotated[list[str], Field(max_length=MAX_MEMBERS)] = []
    purge_all: bool = False
    dry_run: bool = False

    @model_validator(mode="after")
    def _chosen(self) -> Self:
        self.model_name = (self.model_name or "").strip() or None
        self.requested_by = [one.strip() for one in self.requested_by if one.strip()]
        criteria = (self.statuses, self.categories, self.model_name, self.requested_by)
        if not any(criteria) and not self.purge_all:
            raise ValueError("no filter is given; to purge every change, say purge_all")
        return self


class ReasonBody(BaseModel):
    """Why, for those who look at it later."""

    reason: Reason | None = None


class RollbackBody(BaseModel):
    """Why the catalogue is to be what it was."""

    reason: Reason | None = Field(None, description="everybody can read it in the entry of the new revision")


class CommentBody(BaseModel):
    """What somebody has to say about a change."""

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class AliasesBody(BaseModel):
    """All other names of a group."""

    aliases: list[Name] = Field(max_length=MAX_MEMBERS)


class AliasBody(BaseModel):
    """One other name of a group."""

    alias: Name


class FamilyBody(BaseModel):
    """All groups of a family."""

    members: list[Name] = Field(max_length=MAX_MEMBERS)


class FamilyMemberBody(BaseModel):
    """One group of a family."""

    group_name: Name


class NameSchemaBody(BaseModel):
    """How the names of a group are composed; what is not given stays as it is."""

    separator: str | None = Field(None, max_length=20)
    part_order: list[Name] | None = Field(None, max_length=100)
    author_included: bool | None = None
    common_author: Name | None = None
    template: str | None = Field(None, max_length=MAX_NAME_CHARACTERS)
    extra_parts: list[Name] | None = Field(None, max_length=100)


class CommonFieldsBody(BaseModel):
    """The same values for every model of a group; at least one."""

    baseline: str | None = None
    description: str | None = None
    url: str | None = None
    nsfw: bool | None = None
    tags: list[str] | None = None
    style: str | None = None
    instruct_format: str | None = None


class NameExceptionBody(BaseModel):
    """Why a model may break the naming schema of its group; null: it may not any more."""

    reason: Reason | None


def _positive(ids: list[int]) -> list[int]:
    return [one for one in dict.fromkeys(ids) if one > 0]
