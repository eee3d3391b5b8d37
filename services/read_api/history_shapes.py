"""The shapes of the answers about history, for the description of the API: answers are not made of them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from registry.catalogue import CatalogueRef, CategoryBlobs, CategoryMetadata, NameSchema, Sha256
from registry.history_state import RevisionKind, Touched


class Who(BaseModel):
    """A user, and when in Unix seconds."""

    user_id: str
    username: str
    at: int


class RevisionChange(BaseModel):
    """A change that came in with a revision. One that was hidden since has its number only."""

    change_id: int
    category: str | None = None
    model_name: str | None = None
    operation: Literal["create", "update", "delete"] | None = None
    batch_id: int | None = None
    batch_title: str | None = None
    proposed: Who | None = None
    approved: Who | None = None


class CategoryCounts(BaseModel):
    """How many models of a category a revision touched."""

    created: int
    updated: int
    deleted: int


class RevisionFacts(BaseModel):
    """When, by whom and by what a revision was made."""

    revision: int
    sequence: int
    committed_at: str
    kind: RevisionKind
    actor: str = Field(description="a user id, or the name of a program")
    username: str | None
    rolled_back_to: int | None
    changes: list[RevisionChange]


class RevisionItem(RevisionFacts):
    """A revision in a list, with the first fifty of its changes; by itself it has the first thousand."""

    changes_total: int
    categories: dict[str, CategoryCounts]


class Revisions(BaseModel):
    """A page of the revisions, newest first."""

    revisions: list[RevisionItem]
    next_before: int | None = Field(description="`before` of the next page; null on the last one")
    head: int


class RevisionDetail(RevisionItem):
    """One revision."""

    touched: list[Touched] = Field(description="the first thousand")
    touched_total: int
    hashes: dict[str, CategoryBlobs] = Field(description="SHA-256 of the documents of every category")
    side_data_hash: str


class EntrySignature(BaseModel):
    """An Ed25519 signature in base64, and which key made it."""

    key_id: str
    value: str


class RevisionEntry(BaseModel):
    """One entry of the journal."""

    schema_version: int
    sequence: int
    entry_id: str
    previous: Sha256 = Field(description="SHA-256 of the bytes of the entry before it")
    occurred_at: str
    actor: str
    username: str | None = None
    kind: RevisionKind
    body: dict[str, Any] = Field(description="what the kind of entry tells beside the rest")
    catalogue: CatalogueRef
    answer: dict[str, Any] | None = Field(None, description="what is kept to answer a repeated request")
    signature: EntrySignature | None = Field(None, description="the last member, where entries are signed")


class FieldChange(BaseModel):
    """One field that differs. An absent field has the value null."""

    field_path: str
    old_value: Any
    new_value: Any
    change_type: Literal["added", "removed", "modified"]


class Difference(BaseModel):
    """What became of a record."""

    is_critical: bool
    fields: list[FieldChange]


class VersionDifference(Difference):
    """What a revision made of a model."""

    operation: Literal["create", "update", "delete"]


class ModelVersion(RevisionFacts):
    """A revision that touched a model, with the changes that were about it."""

    difference: VersionDifference


class ModelHistory(BaseModel):
    """A page of the versions of a model, newest first."""

    category: str
    model_name: str
    versions: list[ModelVersion]
    next_before: int | None = Field(description="`before` of the next page; null on the last one")
    total: int


class ModifiedRecord(Difference):
    """A record that differs."""

    name: str


class CategoryDiff(BaseModel):
    """What differs in a category."""

    added: list[str]
    modified: list[ModifiedRecord]
    removed: list[str]


class Diff(BaseModel):
    """What differs between two revisions; categories without a difference are absent."""

    model_config = ConfigDict(populate_by_name=True)

    from_: int = Field(alias="from")
    to: int
    categories: dict[str, CategoryDiff]


class CategoryChanges(BaseModel):
    """The new state of what changed in a category."""

    added: dict[str, dict[str, Any]]
    changed: dict[str, dict[str, Any]]
    removed: list[str]


class Changes(BaseModel):
    """From one revision to another; categories without a difference are absent."""

    from_: int = Field(alias="from")
    to: int
    categories: dict[str, CategoryChanges]


class BundledSideData(BaseModel):
    """What is stored beside the text models."""

    aliases: dict[str, list[str]]
    families: dict[str, list[str]]
    name_schemas: dict[str, NameSchema]


class Bundle(BaseModel):
    """The whole catalogue."""

    revision: int
    sequence: int
    committed_at: str | None
    v2: dict[str, dict[str, dict[str, Any]]]
    side_data: BundledSideData
    metadata: dict[Literal["v1", "v2"], dict[str, CategoryMetadata]]
    v1: dict[str, str] | None = Field(None, description="only where it was asked for")
