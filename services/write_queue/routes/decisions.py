"""What approvers do with changes (http-write-api.md sections 7 to 9)."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from aiohttp import hdrs, web

from service_kit.endpoints import Endpoint
from service_kit.horde_users import User
from service_kit.parameters import parse_body, parse_query
from write_queue.bodies import ApplyBody, ApplyManyBody, DecisionBody, PurgeBody, ReasonBody, RollbackBody
from write_queue.domain import applying, reviewing, rolling_back
from write_queue.domain.selection import ChangeFilter
from write_queue.parameters import BATCH_ID, CHANGE_ID, REVISION, JobParameters, path_integer
from write_queue.refusals import QUEUES, V2, WRITES
from write_queue.responses import (
    AppliedMany,
    AppliedOne,
    ApplyRefused,
    ChangeValue,
    Decision,
    Purged,
    RolledBack,
)
from write_queue.routes.writing import Writing
from write_queue.write_side import WriteSide

TAG: Final = "pending queue: decisions"
APPLIES: Final = {**WRITES, 409: ApplyRefused}


class Decisions:
    """Takes decisions of approvers."""

    def __init__(self, side: WriteSide) -> None:
        self._side = side

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        for queue in QUEUES:
            yield from self._decision_endpoints(queue)
            yield from self._apply_endpoints(queue)
        yield Writing(TAG).endpoint(
            hdrs.METH_POST,
            f"{V2}/revisions/{{{REVISION}}}/rollback",
            self.rollback,
            "Make the catalogue what it was at a revision, as a new revision",
            {200: RolledBack},
            body=RollbackBody,
        )

    def _decision_endpoints(self, queue: str) -> Iterator[Endpoint]:
        post = partial(Writing(TAG).endpoint, hdrs.METH_POST)
        yield post(
            f"{queue}/batches",
            self.decide,
            "Approve and reject changes: all of them or none",
            {200: Decision},
            body=DecisionBody,
        )
        yield post(
            f"{queue}/changes/{{{CHANGE_ID}}}/unapprove",
            self.unapprove,
            "Make an approved change pending again",
            {200: ChangeValue},
            body=ReasonBody,
        )
        yield post(
            f"{queue}/purge",
            self.purge,
            "Hide changes; the journal keeps them",
            {200: Purged},
            body=PurgeBody,
        )

    def _apply_endpoints(self, queue: str) -> Iterator[Endpoint]:
        post = partial(Writing(TAG, APPLIES).endpoint, hdrs.METH_POST)
        yield post(
            f"{queue}/changes/{{{CHANGE_ID}}}/apply",
            self.apply_one,
            "Apply an approved change",
            {200: AppliedOne},
            body=ApplyBody,
        )
        yield post(
            f"{queue}/apply",
            self.apply_many,
            "Apply approved changes in the order given: all of them or none",
            {200: AppliedMany},
            body=ApplyManyBody,
        )
        yield post(
            f"{queue}/apply_batch/{{{BATCH_ID}}}",
            self.apply_batch,
            "Apply every approved change of a batch: all of them or none",
            {200: AppliedMany},
            query=JobParameters,
        )

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """Approve and reject."""
        user = await self._approver(request)
        body = await parse_body(DecisionBody, request)
        command = reviewing.decide(
            body.batch_title,
            body.approved_ids,
            body.rejected_ids,
            body.reject_reason or None,
            body.seen_versions,
        )
        return await self._side.submit(request, user, command)

    async def unapprove(self, request: web.Request) -> web.StreamResponse:
        """Take an approval back."""
        change_id = path_integer(request, CHANGE_ID)
        user = await self._approver(request)
        body = await parse_body(ReasonBody, request)
        return await self._side.submit(request, user, reviewing.unapprove(change_id, body.reason or None))

    async def purge(self, request: web.Request) -> web.StreamResponse:
        """Hide changes."""
        user = await self._approver(request)
        body = await parse_body(PurgeBody, request)
        chosen = ChangeFilter(
            statuses=frozenset(body.statuses),
            categories=frozenset(body.categories),
            requested_by=frozenset(body.requested_by),
            model_name=body.model_name,
        )
        return await self._side.submit(request, user, reviewing.purge(chosen, dry_run=body.dry_run))

    async def apply_one(self, request: web.Request) -> web.StreamResponse:
        """Apply one change."""
        change_id = path_integer(request, CHANGE_ID)
        user = await self._approver(request)
        body = await parse_body(ApplyBody, request)
        return await self._side.submit(request, user, applying.apply_one(change_id, body.job_id or None))

    async def apply_many(self, request: web.Request) -> web.StreamResponse:
        """Apply several changes."""
        user = await self._approver(request)
        body = await parse_body(ApplyManyBody, request)
        command = applying.apply_many(
            body.change_ids, body.job_id or None, allow_mixed_batch=body.allow_mixed_batch
        )
        return await self._side.submit(request, user, command)

    async def apply_batch(self, request: web.Request) -> web.StreamResponse:
        """Apply a batch."""
        batch_id = path_integer(request, BATCH_ID)
        job_id = parse_query(JobParameters, request.query).job_id
        user = await self._approver(request)
        return await self._side.submit(request, user, applying.apply_batch(batch_id, job_id or None))

    async def rollback(self, request: web.Request) -> web.StreamResponse:
        """Roll the catalogue back."""
        revision = path_integer(request, REVISION)
        user = await self._side.access.approver(request)
        self._side.modes.require_primary()
        body = await parse_body(RollbackBody, request)
        return await self._side.submit(request, user, rolling_back.rollback(revision, body.reason or None))

    async def _approver(self, request: web.Request) -> User:
        user = await self._side.access.approver(request)
        self._side.modes.require_queue()
        return user
