"""The book-keeping about a category in one format (data-model.md section 9)."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from horde_model_reference.meta_consts import CATEGORY_METADATA_SCHEMA_VERSION


class CategoryMetadata(BaseModel):
    """What was done to a category, and how many models it has. Times are Unix seconds, 0 means never."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    category: str
    last_updated: int
    last_operation_type: Literal["create", "update", "delete"] | None = None
    last_operation_model: str | None = None
    total_creates: int = Field(0, ge=0)
    total_updates: int = Field(0, ge=0)
    total_deletes: int = Field(0, ge=0)
    total_models: int = Field(0, ge=0)
    error_count: int = Field(0, ge=0)
    initialization_time: int
    last_successful_operation: int
    metadata_schema_version: str = CATEGORY_METADATA_SCHEMA_VERSION
    backend_type: str = ""
