"""The copy of a catalogue: what a replica serves, and where it has it from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from horde_model_reference.meta_consts import CanonicalFormat
from read_api.domain.categories import CATEGORIES
from registry.catalogue import CategoryBlobs, SideData
from registry.content import CatalogueContent, CategoryContent

Origin = Literal["primary", "documents", "github"]
"""Whole revisions of a PRIMARY; single documents of one that knows no revisions; the files on GitHub."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A catalogue and where it is from.

    `is_numbered_here` tells a count of this instance from the revision of the PRIMARY at `source_url`;
    `source_tag` identifies the files that it was made from, where it was made from files.
    """

    content: CatalogueContent
    origin: Origin
    source_url: str
    is_numbered_here: bool
    canonical_format: CanonicalFormat | None = None
    source_tag: str | None = None

    @property
    def revision(self) -> int:
        """The number that it is served under."""
        return self.content.revision

    def follows(self, source_url: str) -> bool:
        """Whether its number is one of the PRIMARY at this address, and can be compared with its others."""
        return not self.is_numbered_here and self.source_url == source_url


def category_content(category: str, v2: bytes, legacy: bytes | None) -> CategoryContent:
    """Return the content that has these documents. Hashing takes about 3 ms per megabyte."""
    blobs = CategoryBlobs(v2=sha256(v2), legacy=None if legacy is None else sha256(legacy))
    return CategoryContent(category=category, blobs=blobs, v2=v2, legacy=legacy)


def content_of_own_count(
    current: Copy | None, categories: Mapping[str, CategoryContent], side_data: SideData
) -> CatalogueContent:
    """Return the content under the next number of this instance; the present one if nothing is different."""
    if current is not None and is_same(current.content, categories, side_data):
        return current.content
    revision = 1 if current is None else current.revision + 1
    return CatalogueContent(
        revision=revision,
        sequence=revision,
        committed_at=datetime.now(UTC),
        categories=in_order(categories),
        side_data=side_data,
    )


def is_same(known: CatalogueContent, categories: Mapping[str, CategoryContent], side_data: SideData) -> bool:
    """Whether everything that is served would be the same."""
    same_blobs = known.categories.keys() == categories.keys() and all(
        known.categories[name].blobs == one.blobs for name, one in categories.items()
    )
    return same_blobs and known.side_data == side_data


def is_same_revision(one: Copy, other: Copy) -> bool:
    """Whether both are the same revision of the same catalogue."""
    return one.revision == other.revision and is_same(
        one.content, other.content.categories, other.content.side_data
    )


def is_empty(document: bytes) -> bool:
    """Whether a JSON object has no members."""
    inner = document.strip()
    return inner[:1] == b"{" and inner[-1:] == b"}" and not inner[1:-1].strip()


def in_order(categories: Mapping[str, CategoryContent]) -> dict[str, CategoryContent]:
    """Return them in the order of the schema; unknown ones are left out."""
    return {name: categories[name] for name in CATEGORIES if name in categories}


def sha256(body: bytes) -> str:
    """Return the hash by which documents are named."""
    return hashlib.sha256(body).hexdigest()
