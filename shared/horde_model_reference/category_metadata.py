"""The book-keeping about a category in one format (data-model.md section 9)."""

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from horde_model_reference.meta_consts import CATEGORY_METADATA_SCHEMA_VERSION, OperationType

_COUNTERS: Final = {
    OperationType.create: "total_creates",
    OperationType.update: "total_updates",
    OperationType.delete: "total_deletes",
}


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

    def after(self, operation: OperationType, model_name: str, *, now: int, total_models: int) -> Self:
        """Return the metadata after an operation that succeeded."""
        counter = _COUNTERS[operation]
        update = {
            "last_updated": now,
            "last_operation_type": operation.value,
            "last_operation_model": model_name,
            "last_successful_operation": now,
            counter: getattr(self, counter) + 1,
            "total_models": total_models,
        }
        return self.model_copy(update=update)

    def after_an_error(self) -> Self:
        """Return the metadata after an operation that failed: nothing else has changed."""
        return self.model_copy(update={"error_count": self.error_count + 1})
