"""From a state to the bytes of its catalogue: only what changed is read."""

import asyncio
from typing import Final

from pydantic import ValidationError

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from registry.blobs import Blobs
from registry.catalogue import CategoryBlobs, SideData
from registry.content import CatalogueContent, CategoryContent
from registry.errors import BlobCorrupt
from registry.state import State

CATEGORY_ORDER: Final = {str(category): place for place, category in enumerate(MODEL_REFERENCE_CATEGORY)}


async def load_content(
    blobs: Blobs, state: State, previous: CatalogueContent | None
) -> CatalogueContent | None:
    """Read the catalogue of a state; None while there is none. Categories equal to `previous` are taken over.

    Raises `BlobMissing`, `BlobCorrupt`, `StoreUnavailable`.
    """
    catalogue, committed_at = state.catalogue, state.committed_at
    if catalogue is None or committed_at is None:
        return None
    known = previous.categories if previous else {}
    names = sorted(catalogue.categories, key=_place)
    loading = (_load_category(blobs, name, catalogue.categories[name], known.get(name)) for name in names)
    side_data, categories = await asyncio.gather(
        load_side_data(blobs, catalogue.side_data), asyncio.gather(*loading)
    )
    return CatalogueContent(
        revision=catalogue.revision,
        sequence=state.catalogue_sequence,
        committed_at=committed_at,
        categories=dict(zip(names, categories, strict=True)),
        side_data=side_data,
    )


async def load_side_data(blobs: Blobs, digest: str) -> SideData:
    """Read the side data of a revision. Raises `BlobMissing`, `BlobCorrupt`, `StoreUnavailable`."""
    try:
        return SideData.model_validate_json(await blobs.get(digest))
    except ValidationError as error:
        raise BlobCorrupt(f"blob {digest} holds no side data: {error.errors()[0]['msg']}") from error


def _place(category: str) -> tuple[int, str]:
    return CATEGORY_ORDER.get(category, len(CATEGORY_ORDER)), category


async def _load_category(
    blobs: Blobs, name: str, refs: CategoryBlobs, known: CategoryContent | None
) -> CategoryContent:
    if known is not None and known.blobs == refs:
        return known
    v2, legacy = await asyncio.gather(blobs.get(refs.v2), blobs.find(refs.legacy))
    return CategoryContent(category=name, blobs=refs, v2=v2, legacy=legacy)
