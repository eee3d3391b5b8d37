"""Revisions in memory: of made-up records, and of the real files."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from horde_model_reference.category_import import import_source
from horde_model_reference.category_import_types import ImportedCategory
from horde_model_reference.documents import CategoryDocuments
from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.v2_format import parse_v2, render_v2, validate_record
from registry.catalogue import CategoryBlobs, CategoryMetadata, RejectedRecord, SideData
from registry.content import CatalogueContent, CategoryContent
from registry.sources import SEED_FILES
from support.reference_data import SHARED

SEED_TIME = datetime(2026, 11, 20, 14, 3, tzinfo=UTC)
SEED_SECONDS = int(SEED_TIME.timestamp())

REQUIRED: Mapping[str, Mapping[str, Any]] = {
    "image_generation": {"baseline": "stable_diffusion_1", "nsfw": False},
    "text_generation": {"parameters": 7_000_000_000},
}

Records = Mapping[str, Mapping[str, Any]]


def a_record(category: str, name: str, **fields: Any) -> dict[str, Any]:
    """Return a valid v2 record in normal form."""
    return validate_record(category, name, {"name": name, **REQUIRED.get(category, {}), **fields})


def category_content(category: str, v2: bytes, legacy: bytes | None = None) -> CategoryContent:
    """Return the content that has these documents."""
    blobs = CategoryBlobs(v2=_sha256(v2), legacy=None if legacy is None else _sha256(legacy))
    return CategoryContent(category=category, blobs=blobs, v2=v2, legacy=legacy)


def a_content(
    categories: Mapping[str, Records] | None = None,
    *,
    revision: int = 1,
    legacy: Mapping[str, bytes] | None = None,
    side_data: SideData | None = None,
) -> CatalogueContent:
    """Return a revision with these v2 records, and v1 documents for the categories in `legacy`."""
    contents = {
        category: category_content(category, render_v2(dict_of(records)), (legacy or {}).get(category))
        for category, records in (categories or {}).items()
    }
    return CatalogueContent(
        revision=revision,
        sequence=revision,
        committed_at=SEED_TIME,
        categories={name: contents[name] for name in map(str, MODEL_REFERENCE_CATEGORY) if name in contents},
        side_data=side_data or SideData(),
    )


def dict_of(records: Records) -> dict[str, dict[str, Any]]:
    """Return plain copies of the records."""
    return {name: dict(record) for name, record in records.items()}


@cache
def real_content() -> CatalogueContent:
    """Return the first revision of the real catalogue. Needs the reference data."""
    imported = {category: _imported(category) for category in SEED_FILES}
    contents = {
        str(category): _real_category(str(category), imported.get(str(category)))
        for category in MODEL_REFERENCE_CATEGORY
    }
    return CatalogueContent(
        revision=1,
        sequence=1,
        committed_at=SEED_TIME,
        categories=contents,
        side_data=SideData(
            metadata={
                version: {name: _metadata(name, content.v2) for name, content in contents.items()}
                for version in ("v1", "v2")
            },
            rejected={
                name: tuple(
                    RejectedRecord(name=one.name, path=one.path, reason=one.reason) for one in item.rejected
                )
                for name, item in imported.items()
                if item.rejected
            },
            files={"diffusers.json": (SHARED / "data/image/diffusers.json").read_text()},
        ),
    )


def _imported(category: str) -> ImportedCategory:
    folder, names = SEED_FILES[category]
    sources = {name: (SHARED / "data" / folder / name).read_bytes() for name in names}
    return import_source(category, sources, now=SEED_SECONDS, previous=None)


def _real_category(category: str, imported: ImportedCategory | None) -> CategoryContent:
    documents = imported.documents if imported else CategoryDocuments(v2=b"{}")
    return category_content(category, documents.v2, documents.legacy)


def _metadata(category: str, v2: bytes) -> CategoryMetadata:
    return CategoryMetadata(
        category=category,
        last_updated=SEED_SECONDS,
        total_models=len(parse_v2(v2)),
        initialization_time=SEED_SECONDS,
        last_successful_operation=SEED_SECONDS,
    )


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
