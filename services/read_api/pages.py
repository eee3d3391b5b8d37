"""Everything that one revision answers, built once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from horde_model_reference.text_names import is_quantized
from read_api.domain.categories import (
    CATEGORIES,
    DIFFUSERS_FILE,
    EMPTY_OBJECT,
    TEXT_GENERATION,
    common_record_fields,
    empty_v2_is_served,
    has_legacy_form,
    is_managed_elsewhere,
    record_fields,
)
from read_api.domain.metadata import MetadataPages, metadata_pages
from read_api.domain.model_pages import ModelPages
from read_api.domain.ranks import Ranks
from read_api.domain.records import iterate_records
from read_api.domain.search_table import SearchTable, SearchTableBuilder, combine, rank_steps
from read_api.domain.text_tools import TextModels, TextTools, text_tools
from registry.catalogue import ApiVersion, CategoryBlobs, SideData
from registry.content import CatalogueContent, CategoryContent
from service_kit.coding import Coding, Effort, is_form_of
from service_kit.documents import Document, compressed_steps, plain_document, with_forms
from service_kit.slices import OnDemand, Steps, run_now

PackedForms = Mapping[str, Mapping[Coding, bytes]]
"""Finished compressed forms, of the best effort, by the digest of the document."""

NOTHING_PACKED: Final[PackedForms] = {}

PagesKey = tuple[int, datetime | None]


@dataclass(frozen=True, slots=True)
class SearchPages:
    """A table, and the sort orders of its fields, which are made when they are first needed."""

    table: SearchTable
    ranks: OnDemand[dict[str, Ranks]]


@dataclass(frozen=True, slots=True)
class CategoryPages:
    """What one category answers. Equal `blobs` mean equal pages."""

    blobs: CategoryBlobs
    v2: Document
    v1: Document | None
    models: ModelPages
    search: SearchPages
    text: TextModels | None

    @property
    def is_polished(self) -> bool:
        """Whether nothing can be made smaller any more."""
        documents = [self.v2] if self.v1 is None else [self.v2, self.v1]
        return all(document.effort is not Effort.FAST for document in documents)


@dataclass(frozen=True, slots=True)
class Pages:
    """What one revision answers. Revision 0: the journal is empty.

    `v1` and `v2` hold the documents of the categories that have one, in the order of the categories.
    """

    revision: int
    sequence: int
    committed_at: datetime | None
    categories: Mapping[str, CategoryPages]
    v1: Mapping[str, Document]
    v2: Mapping[str, Document]
    diffusers: Document
    metadata: Mapping[ApiVersion, MetadataPages]
    search_all: SearchPages
    text: TextTools | None
    side_data: SideData
    revision_text: str

    @property
    def key(self) -> PagesKey:
        """What tells these pages from those of any other revision, also of another catalogue."""
        return self.revision, self.committed_at

    def with_category(self, category: str, pages: CategoryPages) -> "Pages":
        """Return the same revision with other forms of a category's documents."""
        v1 = self.v1 if pages.v1 is None or category not in self.v1 else {**self.v1, category: pages.v1}
        return replace(
            self,
            categories={**self.categories, category: pages},
            v2={**self.v2, category: pages.v2},
            v1=v1,
        )


def build_pages(
    content: CatalogueContent | None,
    previous: Pages | None = None,
    packed: PackedForms = NOTHING_PACKED,
) -> Pages:
    """Build all pages in the calling thread; see `page_steps`."""
    return run_now(page_steps(content, previous, packed))


def page_steps(
    content: CatalogueContent | None,
    previous: Pages | None = None,
    packed: PackedForms = NOTHING_PACKED,
) -> Steps[Pages]:
    """Build the pages of a revision; None stands for an empty journal.

    Categories that `previous` already has are taken over. Raises `DocumentUnreadable`.
    """
    categories: dict[str, CategoryPages] = {}
    for category, found in (content.categories if content else {}).items():
        known = previous.categories.get(category) if previous else None
        if known is not None and known.blobs == found.blobs:
            categories[category] = known
        else:
            categories[category] = yield from _category_steps(found, packed)
    side_data = content.side_data if content else SideData()
    committed_at = content.committed_at if content else None
    yield
    return Pages(
        revision=content.revision if content else 0,
        sequence=content.sequence if content else 0,
        committed_at=committed_at,
        categories=categories,
        v1=_v1_documents(categories),
        v2=_v2_documents(categories),
        diffusers=_diffusers(side_data),
        metadata=metadata_pages(side_data, committed_at),
        search_all=_search_all(categories, previous),
        text=_text(categories, side_data, previous),
        side_data=side_data,
        revision_text=str(content.revision if content else 0),
    )


def _category_steps(content: CategoryContent, packed: PackedForms) -> Steps[CategoryPages]:
    is_text = content.category == TEXT_GENERATION
    table = SearchTableBuilder(content.category, record_fields(content.category))
    bodies: dict[str, bytes] = {}
    texts = TextModels() if is_text else None
    for record in iterate_records(content.v2):
        bodies[record.key] = record.body
        table.add(record, quantized=is_text and is_quantized(record.key))
        if texts is not None:
            texts.add(record)
        yield
    v2 = yield from _document_steps(content.v2, content.blobs.v2, packed)
    v1 = None
    if content.legacy is not None:
        v1 = yield from _document_steps(content.legacy, content.blobs.legacy, packed)
    return CategoryPages(
        blobs=content.blobs,
        v2=v2,
        v1=v1,
        models=ModelPages(bodies),
        search=_search_pages(table.finish()),
        text=texts,
    )


def _document_steps(body: bytes, digest: str | None, packed: PackedForms) -> Steps[Document]:
    document = plain_document(body, digest=digest)
    yield
    ready = packed.get(document.digest, {})
    if ready and all(is_form_of(form, body, coding) for coding, form in ready.items()):
        return with_forms(document, ready, Effort.BEST)
    document = yield from compressed_steps(document, Effort.FAST)
    return document


def _search_pages(table: SearchTable) -> SearchPages:
    return SearchPages(table, OnDemand(lambda: rank_steps(table)))


def _search_all(categories: Mapping[str, CategoryPages], previous: Pages | None) -> SearchPages:
    if previous is not None and _same(categories, previous.categories):
        return previous.search_all
    tables = [categories[category].search.table for category in CATEGORIES if category in categories]
    return _search_pages(combine(tables, common_record_fields()))


def _same(categories: Mapping[str, CategoryPages], known: Mapping[str, CategoryPages]) -> bool:
    return categories.keys() == known.keys() and all(
        known[name] is pages for name, pages in categories.items()
    )


def _v2_documents(categories: Mapping[str, CategoryPages]) -> dict[str, Document]:
    empty = plain_document(EMPTY_OBJECT)
    documents = {name: pages.v2 for name, pages in categories.items()}
    return documents | {
        name: empty for name in CATEGORIES if name not in documents and empty_v2_is_served(name)
    }


def _v1_documents(categories: Mapping[str, CategoryPages]) -> dict[str, Document]:
    empty = plain_document(EMPTY_OBJECT)
    documents = {name: empty for name in CATEGORIES if is_managed_elsewhere(name)}
    for name, pages in categories.items():
        if pages.v1 is not None and has_legacy_form(name):
            documents[name] = pages.v1
    return documents


def _diffusers(side_data: SideData) -> Document:
    text = side_data.files.get(DIFFUSERS_FILE)
    return plain_document(EMPTY_OBJECT if text is None else text.encode())


def _text(
    categories: Mapping[str, CategoryPages], side_data: SideData, previous: Pages | None
) -> TextTools | None:
    pages = categories.get(TEXT_GENERATION)
    if pages is None or pages.text is None:
        return None
    known = previous.text if previous else None
    if known is not None and known.models is pages.text and known.side_data == side_data:
        return known
    return text_tools(pages.text, side_data, pages.v1.identity if pages.v1 else None)
