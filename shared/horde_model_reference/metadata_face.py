"""The methods of a manager that tell of its categories (python-client.md section 3)."""

from typing import TYPE_CHECKING

from horde_model_reference.backends.base import ModelReferenceBackend
from horde_model_reference.meta_consts import as_category

if TYPE_CHECKING:
    from horde_model_reference.category_metadata import CategoryMetadata


class MetadataFace:
    """Metadata of categories, where the back end keeps them."""

    backend: ModelReferenceBackend

    def supports_metadata(self) -> bool:
        """Say whether the back end keeps metadata of its categories; that of a replica does not."""
        return self.backend.supports_metadata()

    def get_metadata(self, category: str, *, raise_if_unsupported: bool = False) -> "CategoryMetadata | None":
        """Return the metadata of a category; where there are none: None, or on demand the error."""
        if not raise_if_unsupported and not self.supports_metadata():
            return None
        return self.backend.get_metadata(as_category(category))

    async def get_metadata_async(
        self, category: str, *, raise_if_unsupported: bool = False
    ) -> "CategoryMetadata | None":
        """Do the same without blocking the loop."""
        import asyncio  # noqa: PLC0415 - programs without a loop need not load it

        return await asyncio.to_thread(self.get_metadata, category, raise_if_unsupported=raise_if_unsupported)

    def last_updated(self, category: str) -> int | None:
        """Return when a category was written last, in Unix seconds; None where that is not kept."""
        return self.backend.last_updated(as_category(category)) if self.supports_metadata() else None
