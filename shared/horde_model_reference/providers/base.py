"""What a further source of records has to offer (python-client.md section 8)."""

from abc import ABC, abstractmethod
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from horde_model_reference.source_consts import RESERVED_SOURCE_IDS

if TYPE_CHECKING:  # whoever subclasses the provider has loaded these, whoever only names it need not
    from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
    from horde_model_reference.model_reference_records import GenericModelRecord


class ModelProvider(ABC):
    """A source of records. The library keeps nothing of what it gives: it is asked at every read.

    A category arrives as the enum member where there is one, else as text; the two are equal.
    """

    @property
    @abstractmethod
    def source_id(self) -> str:
        """The id by which selectors name the source."""

    @abstractmethod
    def provided_categories(self) -> AbstractSet[str]:
        """Return the categories that the source may have records of."""

    @abstractmethod
    def fetch_category(
        self, category: "MODEL_REFERENCE_CATEGORY", *, force_refresh: bool = False
    ) -> "dict[str, GenericModelRecord] | None":
        """Return the records of a category by name, None where there are none. May raise, may block."""

    async def fetch_category_async(
        self, category: "MODEL_REFERENCE_CATEGORY", *, force_refresh: bool = False
    ) -> "dict[str, GenericModelRecord] | None":
        """Do the same without blocking the loop; here by a thread."""
        import asyncio  # noqa: PLC0415 - costs more than all of this package; programs may never need it

        return await asyncio.to_thread(self.fetch_category, category, force_refresh=force_refresh)

    def serves_category(self, category: str) -> bool:
        """Say whether the category is one of those that are provided."""
        return category in self.provided_categories()

    def supports_writes(self) -> bool:
        """Say whether records can be changed through this source."""
        return False

    def cache_ttl_seconds(self) -> int | None:
        """Return how long the source keeps its records. Advice only."""
        return None

    def validate_source_id(self) -> None:
        """Raise `ValueError` for an id that no provider may have: an empty or a reserved one."""
        if not self.source_id:
            raise ValueError("the id of a source must not be empty")
        if self.source_id in RESERVED_SOURCE_IDS:
            raise ValueError(f"the source id {self.source_id!r} is reserved")
