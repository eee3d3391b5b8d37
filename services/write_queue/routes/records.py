"""Proposing records in v2 form (http-write-api.md section 4)."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from aiohttp import hdrs, web

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_reference_records import get_record_type_for_category
from horde_model_reference.proposals.v2 import normalised_v2
from service_kit.endpoints import Endpoint
from service_kit.horde_users import User
from service_kit.json_body import read_json
from service_kit.parameters import parse_query
from service_kit.problem_models import Invalid
from write_queue.domain import proposing
from write_queue.parameters import (
    ANY_NAME,
    CATEGORY,
    MODEL_NAME,
    ProposalParameters,
    path_category,
)
from write_queue.payloads import require_same_name, to_payload
from write_queue.refusals import V2, WRITES
from write_queue.responses import ChangeValue
from write_queue.write_side import WriteSide

TAG: Final = "v2: proposals"
ADD_ROUTE: Final = "create_v2_model"
DELETE_ROUTE: Final = "delete_v2_model"


class RecordProposals:
    """Takes proposals of v2 records."""

    def __init__(self, side: WriteSide) -> None:
        self._side = side

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints; every category has routes of its own, for its own body."""
        for category in MODEL_REFERENCE_CATEGORY:
            yield from self._category_endpoints(str(category))
        yield _endpoint(
            f"{V2}/{{{CATEGORY}}}/add",
            self.add,
            "Propose a new record of any category",
            hdrs.METH_POST,
            description="The category in the path decides what the record must be.",
        )
        unknown = ((hdrs.METH_PUT, self.update_unknown), (hdrs.METH_DELETE, self.delete_unknown))
        for method, handler in unknown:
            yield Endpoint(
                f"{V2}/{{{CATEGORY}}}/model/{{{MODEL_NAME}}}",
                handler,
                "A record of any other category: there is none",
                TAG,
                {422: Invalid},
                method=method,
                patterns={MODEL_NAME: ANY_NAME},
                needs_key=True,
            )

    def _category_endpoints(self, category: str) -> Iterator[Endpoint]:
        record_type = get_record_type_for_category(category)
        yield _endpoint(
            f"{V2}/{category}",
            partial(self.create, category, f"create_v2_{category}"),
            f"Propose a new record of {category}",
            hdrs.METH_POST,
            body=record_type,
        )
        path, patterns = f"{V2}/{category}/model/{{{MODEL_NAME}}}", {MODEL_NAME: ANY_NAME}
        yield _endpoint(
            path,
            partial(self.update, category),
            f"Propose another record for a name in {category}",
            hdrs.METH_PUT,
            body=record_type,
            patterns=patterns,
            description="The whole record is replaced; what others changed meanwhile is kept.",
        )
        yield _endpoint(
            path,
            partial(self.delete, category),
            f"Propose the removal of a record of {category}",
            hdrs.METH_DELETE,
            patterns=patterns,
        )

    async def create(self, category: str, route: str, request: web.Request) -> web.StreamResponse:
        """Propose a new record."""
        options = parse_query(ProposalParameters, request.query)
        user = await self._requestor(category, request)
        payload = await to_payload(normalised_v2, category, await read_json(request))
        command = proposing.create(category, payload, "v2", options.origin(route))
        return await self._side.submit(request, user, command)

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Propose a new record of the category in the path."""
        return await self.create(path_category(request), ADD_ROUTE, request)

    async def update(self, category: str, request: web.Request) -> web.StreamResponse:
        """Propose another record for a name."""
        options = parse_query(ProposalParameters, request.query)
        name = request.match_info[MODEL_NAME]
        user = await self._requestor(category, request)
        body = await read_json(request)
        require_same_name(name, body)
        payload = await to_payload(normalised_v2, category, body)
        origin = options.origin(f"update_v2_{category}")
        command = proposing.update(category, name, payload, "v2", origin)
        return await self._side.submit(request, user, command)

    async def delete(self, category: str, request: web.Request) -> web.StreamResponse:
        """Propose the removal of a record."""
        options = parse_query(ProposalParameters, request.query)
        user = await self._requestor(category, request)
        name = request.match_info[MODEL_NAME]
        command = proposing.delete(category, name, "v2", options.origin(DELETE_ROUTE))
        return await self._side.submit(request, user, command)

    async def update_unknown(self, request: web.Request) -> web.StreamResponse:
        """Refuse a category that does not exist."""
        return await self.update(path_category(request), request)

    async def delete_unknown(self, request: web.Request) -> web.StreamResponse:
        """Refuse a category that does not exist."""
        return await self.delete(path_category(request), request)

    async def _requestor(self, category: str, request: web.Request) -> User:
        user = await self._side.access.requestor(request)
        self._side.modes.require_writable("v2", category)
        return user


def _endpoint(path: str, handler: Any, summary: str, method: str, **more: Any) -> Endpoint:  # noqa: ANN401 - fields of an endpoint
    return Endpoint(
        path,
        handler,
        summary,
        TAG,
        {202: ChangeValue, **WRITES},
        method=method,
        query=ProposalParameters,
        needs_key=True,
        **more,
    )
