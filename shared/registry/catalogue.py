"""What a revision of the catalogue consists of: which blobs, and the side data beside the records."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from horde_model_reference.category_metadata import CategoryMetadata as Bookkeeping

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ApiVersion = Literal["v1", "v2"]


class FrozenModel(BaseModel):
    """A value that is stored: immutable, and strict about unknown members."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CategoryBlobs(FrozenModel):
    """The blobs of one category: the documents of both formats, and the CSV of the text models."""

    v2: Sha256
    legacy: Sha256 | None = None
    csv: Sha256 | None = None


class CatalogueRef(FrozenModel):
    """One revision of the whole catalogue. A category that was never seeded is absent."""

    revision: int = Field(ge=1)
    categories: dict[str, CategoryBlobs]
    side_data: Sha256


class CategoryMetadata(Bookkeeping):
    """Book-keeping of one category in one format (data-model.md section 9). Times are Unix seconds."""

    model_config = FrozenModel.model_config

    backend_type: str = "journal"


class NameSchema(FrozenModel):
    """How the names of a text model group are composed (data-model.md section 8)."""

    separator: str = "-"
    part_order: tuple[str, ...] = ("base", "size", "variant", "version", "quant")
    author_included: bool = True
    common_author: str | None = None
    template: str | None = None
    extra_parts: tuple[str, ...] = ()


class RejectedRecord(FrozenModel):
    """A record of a source that could not be read as v2. v1 still serves the source's bytes."""

    name: str
    path: str
    reason: str


class SideData(FrozenModel):
    """Everything of a revision that is not a record."""

    metadata: dict[ApiVersion, dict[str, CategoryMetadata]] = {}
    aliases: dict[str, tuple[str, ...]] = {}
    families: dict[str, tuple[str, ...]] = {}
    name_schemas: dict[str, NameSchema] = {}
    rejected: dict[str, tuple[RejectedRecord, ...]] = {}
    files: dict[str, str] = {}
