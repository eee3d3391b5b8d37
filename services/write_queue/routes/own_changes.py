"""What proposers do with changes that wait: beyond the existing system, additive."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from aiohttp import hdrs, web

from registry.change_record import ChangeRecord
from service_kit.endpoints import Endpoint
from service_kit.errors import NotFound
from service_kit.json_body import read_json
from service_kit.parameters import parse_body, parse_query
from write_queue.bodies import CommentBody, ReasonBody
from write_queue.domain import reviewing
from write_queue.parameters import CHANGE_ID, ProposalParameters, path_integer
from write_queue.payloads import to_payload
from write_queue.refusals import QUEUES
from write_queue.responses import ChangeValue
from write_queue.routes.proposals import NORMALISE
from write_queue.routes.writing import Writing
from write_queue.write_side import WriteSide

TAG: Final = "pending queue: own changes"


class OwnChanges:
    """Takes what people say about changes, their own above all."""

    def __init__(self, side: WriteSide) -> None:
        self._side = side

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        endpoint = partial(Writing(TAG).endpoint, answers={200: ChangeValue})
        for queue in QUEUES:
            one = f"{queue}/changes/{{{CHANGE_ID}}}"
            yield endpoint(
                hdrs.METH_PUT,
                one,
                self.edit,
                "Replace the record of one's own pending change",
                query=ProposalParameters,
                description="The body is the whole record, as when it was proposed.",
            )
            yield endpoint(
                hdrs.METH_POST,
                f"{one}/withdraw",
                self.withdraw,
                "Take back one's own pending change",
                body=ReasonBody,
            )
            yield endpoint(
                hdrs.METH_POST, f"{one}/comments", self.comment, "Comment on a change", body=CommentBody
            )

    async def edit(self, request: web.Request) -> web.StreamResponse:
        """Replace the record of a change."""
        change_id = path_integer(request, CHANGE_ID)
        options = parse_query(ProposalParameters, request.query)
        user = await self._side.access.requestor(request)
        self._side.modes.require_queue()
        body = await read_json(request)
        change = await self._change(change_id)
        payload = await to_payload(NORMALISE[change.form], change.category, body)
        command = reviewing.edit(
            change_id, payload, base_revision=options.base_revision, reason=options.stripped_reason
        )
        return await self._side.submit(request, user, command)

    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        """Take a change back."""
        change_id = path_integer(request, CHANGE_ID)
        user = await self._side.access.requestor(request)
        self._side.modes.require_queue()
        body = await parse_body(ReasonBody, request)
        return await self._side.submit(request, user, reviewing.withdraw(change_id, body.reason or None))

    async def comment(self, request: web.Request) -> web.StreamResponse:
        """Comment on a change."""
        change_id = path_integer(request, CHANGE_ID)
        user = await self._side.access.requestor(request)
        self._side.modes.require_queue()
        body = await parse_body(CommentBody, request)
        return await self._side.submit(request, user, reviewing.comment(change_id, body.text))

    async def _change(self, change_id: int) -> ChangeRecord:
        change = (await self._side.state()).queue.find(change_id)
        if change is None:
            raise NotFound(f"there is no change {change_id}")
        return change
