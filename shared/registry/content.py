"""The bytes of one revision in memory, as loaded from the blobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from registry.catalogue import CategoryBlobs, SideData


@dataclass(frozen=True, slots=True)
class CategoryContent:
    """One category. Equal `blobs` mean equal bytes, so that what was built from them can be kept."""

    category: str
    blobs: CategoryBlobs
    v2: bytes
    legacy: bytes | None


@dataclass(frozen=True, slots=True)
class CatalogueContent:
    """One revision. Categories are in the order of the schema; one that was never seeded is absent."""

    revision: int
    sequence: int
    committed_at: datetime
    categories: Mapping[str, CategoryContent]
    side_data: SideData = field(default_factory=SideData)
