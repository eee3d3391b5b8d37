"""The book-keeping of every category, as documents (http-read-api.md section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

from read_api.domain.categories import CATEGORIES
from registry.catalogue import ApiVersion, CategoryMetadata, SideData
from service_kit.documents import Document, json_document

VERSIONS: Final[tuple[ApiVersion, ...]] = get_args(ApiVersion)


@dataclass(frozen=True, slots=True)
class MetadataPages:
    """The metadata documents of one API version."""

    of_category: Mapping[str, Document]
    last_updated_of: Mapping[str, Document]
    of_all: Document
    last_updated: Document


def metadata_pages(side_data: SideData, committed_at: datetime | None) -> dict[ApiVersion, MetadataPages]:
    """Return the metadata documents of both versions.

    A category without book-keeping has never been written: zeros since the catalogue exists.
    """
    since = int(committed_at.timestamp()) if committed_at else 0
    return {
        version: _pages(
            {
                category: side_data.metadata.get(version, {}).get(category) or _never_written(category, since)
                for category in CATEGORIES
            }
        )
        for version in VERSIONS
    }


def _never_written(category: str, since: int) -> CategoryMetadata:
    return CategoryMetadata(
        category=category, last_updated=since, initialization_time=since, last_successful_operation=since
    )


def _pages(metadata: Mapping[str, CategoryMetadata]) -> MetadataPages:
    plain = {category: one.model_dump() for category, one in metadata.items()}
    newest = max(one.last_updated for one in metadata.values())
    return MetadataPages(
        of_category={category: _document(one) for category, one in plain.items()},
        last_updated_of={
            category: _document({"category": category, "last_updated": one.last_updated})
            for category, one in metadata.items()
        },
        of_all=_document(plain),
        last_updated=_document({"last_updated": newest or None}),
    )


def _document(value: object) -> Document:
    return json_document(value)
