"""Taking proposals of records, in whichever form they come."""

from typing import Final

from aiohttp import web

from horde_model_reference.proposals.v1 import normalised_v1
from horde_model_reference.proposals.v2 import normalised_v2
from registry.change_record import Form
from service_kit.horde_users import User
from service_kit.json_body import read_json
from service_kit.parameters import parse_query
from write_queue.domain import proposing
from write_queue.parameters import MODEL_NAME, ProposalParameters
from write_queue.payloads import Normalise, require_same_name, to_payload
from write_queue.write_side import WriteSide

NORMALISE: Final[dict[Form, Normalise]] = {"v2": normalised_v2, "legacy": normalised_v1}


class Proposals:
    """Handles requests that propose records of one form; `route` is what the change says of its origin."""

    def __init__(self, side: WriteSide, form: Form) -> None:
        self._side = side
        self._form: Form = form
        self._normalise = NORMALISE[form]

    async def create(self, category: str, route: str, request: web.Request) -> web.StreamResponse:
        """Propose a new record."""
        options = parse_query(ProposalParameters, request.query)
        user = await self._requestor(category, request)
        payload = await to_payload(self._normalise, category, await read_json(request))
        command = proposing.create(category, payload, self._form, options.origin(route))
        return await self._side.submit(request, user, command)

    async def update(self, category: str, route: str, request: web.Request) -> web.StreamResponse:
        """Propose another record for the name in the path, or, without one there, for its own name."""
        options = parse_query(ProposalParameters, request.query)
        name = request.match_info.get(MODEL_NAME)
        user = await self._requestor(category, request)
        body = await read_json(request)
        if name is not None:
            require_same_name(name, body)
        payload = await to_payload(self._normalise, category, body)
        command = proposing.update(
            category, payload["name"] if name is None else name, payload, self._form, options.origin(route)
        )
        return await self._side.submit(request, user, command)

    async def delete(self, category: str, route: str, request: web.Request) -> web.StreamResponse:
        """Propose the removal of a record."""
        options = parse_query(ProposalParameters, request.query)
        user = await self._requestor(category, request)
        name = request.match_info[MODEL_NAME]
        command = proposing.delete(category, name, self._form, options.origin(route))
        return await self._side.submit(request, user, command)

    async def _requestor(self, category: str, request: web.Request) -> User:
        user = await self._side.access.requestor(request)
        self._side.modes.require_writable(self._form, category)
        return user
