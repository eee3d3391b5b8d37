"""Looking at the queue (http-write-api.md sections 7, 10 and 11)."""

from collections.abc import Iterator
from typing import Any, Final

from aiohttp import web

from horde_model_reference.documents import Record
from horde_model_reference.proposals.beta import v2_view
from registry.change_record import ChangeRecord
from registry.state import State
from service_kit.endpoints import Endpoint
from service_kit.errors import NotFound
from service_kit.parameters import parse_query
from service_kit.problem_models import Invalid, Problem
from write_queue.answers import large_answer, value_answer
from write_queue.domain.selection import ChangeFilter
from write_queue.parameters import (
    CATEGORY,
    CHANGE_ID,
    ChangesParameters,
    DiffsParameters,
    MyChangesParameters,
    path_category,
    path_integer,
)
from write_queue.refusals import QUEUES, V2, WITH_KEY, WITH_ROLE
from write_queue.responses import ChangesPage, ChangeValue, Diffs, DiffValue
from write_queue.views.beta_view import beta_records
from write_queue.views.change_view import change_value
from write_queue.views.diff_view import Sides, diff_value
from write_queue.views.listing import changes_page
from write_queue.write_side import WriteSide

TAG: Final = "pending queue"


class Changes:
    """Shows changes to everybody with a key."""

    def __init__(self, side: WriteSide) -> None:
        self._side = side

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        for queue in QUEUES:
            yield from self._queue_endpoints(queue)
        yield Endpoint(
            f"{V2}/{{{CATEGORY}}}/pending",
            self.beta,
            "Records as they would be if everything proposed were applied",
            TAG,
            {200: dict[str, dict[str, Any]], 422: Invalid, **WITH_KEY},
            needs_key=True,
        )

    def _queue_endpoints(self, queue: str) -> Iterator[Endpoint]:
        one = f"{queue}/changes/{{{CHANGE_ID}}}"
        missing = {404: Problem, 422: Invalid, **WITH_KEY}
        yield Endpoint(
            f"{queue}/changes",
            self.changes,
            "Changes, by ascending id",
            TAG,
            {200: ChangesPage, 422: Invalid, **WITH_KEY},
            query=ChangesParameters,
            needs_key=True,
        )
        yield Endpoint(
            f"{queue}/my_changes",
            self.my_changes,
            "One's own changes, by ascending id",
            TAG,
            {200: ChangesPage, 422: Invalid, **WITH_ROLE},
            query=MyChangesParameters,
            needs_key=True,
        )
        yield Endpoint(one, self.change, "One change", TAG, {200: ChangeValue, **missing}, needs_key=True)
        yield Endpoint(
            f"{one}/diff",
            self.diff,
            "What a change would do to the live record",
            TAG,
            {200: DiffValue, **missing},
            needs_key=True,
        )
        yield Endpoint(
            f"{queue}/diffs",
            self.diffs,
            "What several changes would do, each for itself",
            TAG,
            {200: Diffs, 422: Invalid, **WITH_KEY},
            query=DiffsParameters,
            needs_key=True,
        )

    async def changes(self, request: web.Request) -> web.StreamResponse:
        """Show a page of changes."""
        wanted = parse_query(ChangesParameters, request.query)
        await self._reader(request)
        chosen = ChangeFilter(
            statuses=frozenset(wanted.statuses),
            categories=frozenset(wanted.categories),
            requested_by=frozenset(wanted.requested_by),
            model_name=wanted.model_name,
            batch_id=wanted.batch_id,
        )
        return await self._page(chosen, wanted)

    async def my_changes(self, request: web.Request) -> web.StreamResponse:
        """Show a page of the caller's own changes."""
        wanted = parse_query(MyChangesParameters, request.query)
        user = await self._side.access.requestor(request)
        self._side.modes.require_queue()
        chosen = ChangeFilter(
            statuses=frozenset(wanted.statuses),
            categories=frozenset(wanted.categories),
            requested_by=frozenset({user.user_id}),
        )
        return await self._page(chosen, wanted)

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Show one change."""
        change_id = path_integer(request, CHANGE_ID)
        await self._reader(request)
        state = await self._side.state()
        return value_answer(change_value(state.queue, _find(state, change_id)), state.revision)

    async def diff(self, request: web.Request) -> web.StreamResponse:
        """Show what one change would do."""
        change_id = path_integer(request, CHANGE_ID)
        await self._reader(request)
        state = await self._side.state()
        change = _find(state, change_id)
        sides = await self._sides(state, change)
        return await large_answer(lambda: diff_value(change, sides), state.revision)

    async def diffs(self, request: web.Request) -> web.StreamResponse:
        """Show what several changes would do."""
        wanted = parse_query(DiffsParameters, request.query).change_ids
        await self._reader(request)
        state = await self._side.state()
        found = [change for one in wanted if (change := state.queue.find(one)) is not None]
        sides = [await self._sides(state, change) for change in found]
        errors = [_missing_value(one) for one in wanted if state.queue.find(one) is None]

        def make() -> dict[str, Any]:
            diffs = [diff_value(change, one) for change, one in zip(found, sides, strict=True)]
            return {"diffs": diffs, "total": len(wanted), "errors": errors}

        return await large_answer(make, state.revision)

    async def beta(self, request: web.Request) -> web.StreamResponse:
        """Show the records of a category that are proposed and not yet applied."""
        category = path_category(request)
        await self._reader(request)
        state = await self._side.state()
        return await large_answer(lambda: beta_records(state.queue, category, v2_view), state.revision)

    async def _reader(self, request: web.Request) -> None:
        await self._side.access.reader(request)
        self._side.modes.require_queue()

    async def _page(self, chosen: ChangeFilter, wanted: MyChangesParameters) -> web.StreamResponse:
        state = await self._side.state()
        return await large_answer(
            lambda: changes_page(state.queue, chosen, offset=wanted.offset, limit=wanted.limit),
            state.revision,
        )

    async def _sides(self, state: State, change: ChangeRecord) -> Sides:
        catalogue = self._side.catalogue

        async def record(revision: int) -> Record | None:
            if revision not in state.history.revisions:
                return None
            ref = await catalogue.at(state, revision)
            known = catalogue.legacy_records if change.form == "legacy" else catalogue.records
            return (await known(ref, change.category)).get(change.model_name)

        current = await record(state.revision)
        needs_base = change.operation == "update" and current is not None
        return Sides(current, await record(change.base_revision) if needs_base else None)


def _find(state: State, change_id: int) -> ChangeRecord:
    change = state.queue.find(change_id)
    if change is None:
        raise NotFound(f"there is no change {change_id}")
    return change


def _missing_value(change_id: int) -> dict[str, Any]:
    return {"change_id": change_id, "error": f"there is no change {change_id}", "error_type": "NotFound"}
