"""The next revision of the catalogue."""

import asyncio
from collections.abc import Iterable, Mapping

from horde_model_reference.documents import CategoryDocuments
from registry.catalogue import CatalogueRef, SideData
from registry.documents import store_documents
from registry.history_state import Touched
from registry.metadata import counted
from write_queue.domain.commands import Head


async def next_revision(
    head: Head,
    ref: CatalogueRef,
    documents: Mapping[str, CategoryDocuments],
    touched: Iterable[Touched],
) -> CatalogueRef:
    """Store what changed and return the revision after `ref`. Raises `StoreUnavailable`."""
    question = ref, documents, tuple(touched)
    return await head.worked.once("revision", question, lambda: _next_revision(head, *question))


async def _next_revision(
    head: Head, ref: CatalogueRef, documents: Mapping[str, CategoryDocuments], touched: tuple[Touched, ...]
) -> CatalogueRef:
    categories, side_data = await asyncio.gather(
        store_documents(head.catalogue.blobs, documents), _count(head, ref, touched)
    )
    for category, blobs in categories.items():
        head.catalogue.remember(blobs, documents[category])
    return CatalogueRef(
        revision=ref.revision + 1, categories={**ref.categories, **categories}, side_data=side_data
    )


async def with_side_data(head: Head, ref: CatalogueRef, side_data: SideData) -> CatalogueRef:
    """Store the side data and return the revision after `ref` that differs in it alone."""
    return CatalogueRef(
        revision=ref.revision + 1, categories=ref.categories, side_data=await _store(head, side_data)
    )


async def _count(head: Head, ref: CatalogueRef, touched: Iterable[Touched]) -> str:
    known = await head.catalogue.side_data(ref)
    return await _store(head, counted(known, touched, int(head.now.timestamp())))


async def _store(head: Head, side_data: SideData) -> str:
    return await head.catalogue.blobs.put(side_data.model_dump_json().encode())
