"""The documents of categories as blobs."""

import asyncio
from collections.abc import Mapping

from horde_model_reference.documents import CategoryDocuments
from registry.blobs import Blobs
from registry.catalogue import CatalogueRef, CategoryBlobs


async def store_documents(
    blobs: Blobs, documents: Mapping[str, CategoryDocuments]
) -> dict[str, CategoryBlobs]:
    """Store the documents of every category and return what an entry names for them."""
    names = sorted(documents)
    refs = await asyncio.gather(*(store_category(blobs, documents[name]) for name in names))
    return dict(zip(names, refs, strict=True))


async def load_documents(blobs: Blobs, catalogue: CatalogueRef | None) -> dict[str, CategoryDocuments]:
    """Read the documents of every category of a revision; none where there is no revision.

    Raises `BlobMissing`, `BlobCorrupt`, `StoreUnavailable`.
    """
    if catalogue is None:
        return {}
    names = sorted(catalogue.categories)
    documents = await asyncio.gather(*(load_category(blobs, catalogue.categories[name]) for name in names))
    return dict(zip(names, documents, strict=True))


async def store_category(blobs: Blobs, documents: CategoryDocuments) -> CategoryBlobs:
    """Store the documents of one category and return what an entry names for them."""
    v2, legacy, csv = await asyncio.gather(
        blobs.put(documents.v2), blobs.keep(documents.legacy), blobs.keep(documents.csv)
    )
    return CategoryBlobs(v2=v2, legacy=legacy, csv=csv)


async def load_category(blobs: Blobs, refs: CategoryBlobs) -> CategoryDocuments:
    """Read the documents of one category. Raises `BlobMissing`, `BlobCorrupt`, `StoreUnavailable`."""
    v2, legacy, csv = await asyncio.gather(blobs.get(refs.v2), blobs.find(refs.legacy), blobs.find(refs.csv))
    return CategoryDocuments(v2=v2, legacy=legacy, csv=csv)
