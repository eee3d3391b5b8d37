"""The audit: views of the journal, no second log (http-write-api.md section 13)."""

import time
from collections.abc import Iterator
from typing import Any, Final

from aiohttp import web

from horde_model_reference.documents import Record
from registry.queue_state import BatchRecord
from registry.state import State
from service_kit.endpoints import Endpoint
from service_kit.errors import NotFound
from service_kit.parameters import parse_query
from service_kit.problem_models import Invalid, Problem
from write_queue.answers import large_answer
from write_queue.event_pages import EventFilter, EventPages
from write_queue.parameters import (
    BATCH_ID,
    BatchesParameters,
    DomainParameters,
    EventsParameters,
    ReplayParameters,
    path_integer,
)
from write_queue.refusals import QUEUES, WITH_KEY
from write_queue.responses import AuditCurrent, AuditEvents, Batch, Batches, NetChanges, Replayed
from write_queue.views.audit_view import (
    audited_change,
    batch_changes,
    batch_summary,
    batches_page,
    find_batch,
    pending_value,
)
from write_queue.views.net_changes import Span, net_changes_value, spans_of
from write_queue.write_side import WriteSide

TAG: Final = "pending queue: audit"


class Audit:
    """Shows what happened to everybody with a key."""

    def __init__(self, side: WriteSide) -> None:
        self._side = side

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        for queue in QUEUES:
            audit = f"{queue}/audit"
            yield _endpoint(
                f"{audit}/current", self.current, "What waits for a decision", AuditCurrent, DomainParameters
            )
            yield _endpoint(f"{audit}/batches", self.batches, "Batches", Batches, BatchesParameters)
            one = f"{audit}/batches/{{{BATCH_ID}}}"
            yield _endpoint(one, self.batch, "One batch and its changes", Batch, DomainParameters)
            yield _endpoint(
                f"{one}/net_changes",
                self.net_changes,
                "What a batch did to the catalogue",
                NetChanges,
                DomainParameters,
            )
            yield _endpoint(f"{audit}/events", self.events, "Every event", AuditEvents, EventsParameters)
            yield _endpoint(
                f"{audit}/replay",
                self.replay,
                "The records that the events of a category come to",
                Replayed,
                ReplayParameters,
            )

    async def current(self, request: web.Request) -> web.StreamResponse:
        """Show what waits for a decision."""
        domain = self._domain(parse_query(DomainParameters, request.query))
        state = await self._state(request)

        def make() -> dict[str, Any]:
            pending = pending_value(state.queue) if self._is_ours(domain) else []
            return {
                "domain": domain,
                "pending_changes": pending,
                "total_pending": len(pending),
                "generated_at": int(time.time()),
            }

        return await large_answer(make, state.revision)

    async def batches(self, request: web.Request) -> web.StreamResponse:
        """Show a page of batches."""
        wanted = parse_query(BatchesParameters, request.query)
        domain = self._domain(wanted)
        state = await self._state(request)

        def make() -> dict[str, Any]:
            found: tuple[list[dict[str, Any]], int | None] = [], None
            if self._is_ours(domain):
                found = batches_page(state.queue, limit=wanted.limit, cursor=wanted.cursor)
            return {"domain": domain, "batches": found[0], "next_cursor": found[1]}

        return await large_answer(make, state.revision)

    async def batch(self, request: web.Request) -> web.StreamResponse:
        """Show one batch."""
        batch_id = path_integer(request, BATCH_ID)
        domain = self._domain(parse_query(DomainParameters, request.query))
        state = await self._state(request)
        batch = self._find(state, batch_id, domain)

        def make() -> dict[str, Any]:
            changes = batch_changes(state.queue, batch)
            shown = [audited_change(state.queue, change) for change in changes]
            return {**batch_summary(state.queue, batch), "changes": shown}

        return await large_answer(make, state.revision)

    async def net_changes(self, request: web.Request) -> web.StreamResponse:
        """Show what a batch did to the catalogue."""
        batch_id = path_integer(request, BATCH_ID)
        domain = self._domain(parse_query(DomainParameters, request.query))
        state = await self._state(request)
        batch = self._find(state, batch_id, domain)
        spans = spans_of(batch_changes(state.queue, batch))
        states = [
            (
                span,
                await self._record(state, span, span.before_revision),
                await self._record(state, span, span.after_revision),
            )
            for span in spans
        ]

        def make() -> dict[str, Any]:
            return {
                "batch_id": batch_id,
                "batch_title": batch_summary(state.queue, batch)["batch_title"],
                "domain": domain,
                **net_changes_value(states),
                "generated_at": int(time.time()),
            }

        return await large_answer(make, state.revision)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Show a page of events."""
        wanted = parse_query(EventsParameters, request.query)
        state = await self._state(request)
        pages = EventPages(state, self._side.catalogue, self._side.modes)
        chosen = EventFilter(wanted.category, wanted.model_name)
        page = await pages.page(chosen, after=wanted.after, limit=wanted.limit)
        return await large_answer(lambda: page, state.revision)

    async def replay(self, request: web.Request) -> web.StreamResponse:
        """Show the records that the events of a category come to."""
        wanted = parse_query(ReplayParameters, request.query)
        state = await self._state(request)
        revision = state.revision if wanted.revision is None else wanted.revision
        pages = EventPages(state, self._side.catalogue, self._side.modes)
        records, count = await pages.replay(str(wanted.category), revision)
        value = {
            "category": wanted.category,
            "domain": "v2",
            "revision": revision,
            "events_replayed": count,
            "records": records,
        }
        return await large_answer(lambda: value, state.revision)

    async def _state(self, request: web.Request) -> State:
        await self._side.access.reader(request)
        self._side.modes.require_audit()
        return await self._side.state()

    def _domain(self, wanted: DomainParameters) -> str:
        return str(wanted.domain_override or self._side.modes.canonical_format)

    def _is_ours(self, domain: str) -> bool:
        """Return whether the queue works in this format; of the other one there is nothing to show."""
        return domain == self._side.modes.canonical_format

    def _find(self, state: State, batch_id: int, domain: str) -> BatchRecord:
        batch = find_batch(state.queue, batch_id) if self._is_ours(domain) else None
        if batch is None:
            raise NotFound(f"there is no batch {batch_id}")
        return batch

    async def _record(self, state: State, span: Span, revision: int) -> Record | None:
        if revision < 1:
            return None
        catalogue = self._side.catalogue
        ref = await catalogue.at(state, revision)
        is_legacy = self._side.form_of(span.category) == "legacy"
        known = catalogue.legacy_records if is_legacy else catalogue.records
        return (await known(ref, span.category)).get(span.model_name)


def _endpoint(path: str, handler: Any, summary: str, content: Any, query: Any) -> Endpoint:  # noqa: ANN401 - fields of an endpoint
    return Endpoint(
        path,
        handler,
        summary,
        TAG,
        {200: content, 400: Problem, 404: Problem, 422: Invalid, **WITH_KEY},
        query=query,
        needs_key=True,
    )
