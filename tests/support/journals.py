"""Builders for journals: drafts and entries without real catalogue data."""

from registry.blobs import Blobs
from registry.bodies import Seeded
from registry.catalogue import CatalogueRef, CategoryBlobs, SideData
from registry.draft import Draft
from registry.journal import Decide, Journal
from registry.state import State
from service_kit.object_store import ObjectStore


def a_draft(catalogue: CatalogueRef | None = None, *, source: str = "a test") -> Draft:
    return Draft(
        actor="tester#1", kind="seeded", body=Seeded(source=source, categories={}), catalogue=catalogue
    )


async def a_catalogue(blobs: Blobs, revision: int, text: str = "") -> CatalogueRef:
    digest = await blobs.put(f'{{"model {text or revision}":{{}}}}'.encode())
    side_data = await blobs.put(SideData().model_dump_json().encode())
    return CatalogueRef(revision=revision, categories={"clip": CategoryBlobs(v2=digest)}, side_data=side_data)


def always(draft: Draft | None) -> Decide:
    async def decide(_: State) -> Draft | None:
        return draft

    return decide


def next_revision(blobs: Blobs, text: str = "") -> Decide:
    async def decide(state: State) -> Draft:
        return a_draft(await a_catalogue(blobs, state.revision + 1, text))

    return decide


async def a_journal(store: ObjectStore, *, revisions: int = 0) -> tuple[Journal, Blobs, State]:
    journal, blobs, state = Journal(store), Blobs(store), State()
    for _ in range(revisions):
        state = await journal.append(state, next_revision(blobs))
    return journal, blobs, state
