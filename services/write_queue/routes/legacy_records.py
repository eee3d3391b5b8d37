"""Proposing records in legacy form, where that is the canonical one (http-write-api.md section 5)."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from aiohttp import hdrs, web

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, get_category_descriptor
from horde_model_reference.proposals.v1 import normalised_v1
from horde_model_reference.proposals.v1_records import v1_record_type
from service_kit.endpoints import Endpoint
from service_kit.horde_users import User
from service_kit.json_body import read_json
from service_kit.parameters import parse_query
from service_kit.problem_models import Invalid, Problem
from write_queue.domain import proposing
from write_queue.parameters import ANY_NAME, CATEGORY, MODEL_NAME, ProposalParameters, path_category
from write_queue.payloads import to_payload
from write_queue.refusals import V1, WRITES
from write_queue.responses import ChangeValue
from write_queue.write_side import WriteSide

TAG: Final = "v1: proposals"
DELETE_ROUTE: Final = "delete_legacy_model"
LEGACY_CATEGORIES: Final = tuple(
    str(category)
    for category in MODEL_REFERENCE_CATEGORY
    if get_category_descriptor(category).has_legacy_format
)


def legacy_is_read_only() -> Iterator[Endpoint]:
    """Yield what answers, where legacy records cannot be proposed, as paths do that can only be read."""
    for category in LEGACY_CATEGORIES:
        for method in (hdrs.METH_POST, hdrs.METH_PUT):
            yield Endpoint(
                f"{V1}/{category}",
                refuse_method,
                "v1 is read only here",
                TAG,
                {405: Problem},
                method=method,
                in_schema=False,
            )


async def refuse_method(request: web.Request) -> web.StreamResponse:
    """Refuse: the document under this path can only be read."""
    raise web.HTTPMethodNotAllowed(request.method, (hdrs.METH_GET, hdrs.METH_HEAD))


class LegacyRecordProposals:
    """Takes proposals of legacy records."""

    def __init__(self, side: WriteSide) -> None:
        self._side = side

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints; every category has routes of its own, for its own body."""
        for category in LEGACY_CATEGORIES:
            yield from self._category_endpoints(category)
        yield Endpoint(
            f"{V1}/{{{CATEGORY}}}/model/{{{MODEL_NAME}}}",
            self.delete_unknown,
            "A record of any other category: there is none",
            TAG,
            {422: Invalid, **WRITES},
            method=hdrs.METH_DELETE,
            patterns={MODEL_NAME: ANY_NAME},
            needs_key=True,
        )

    def _category_endpoints(self, category: str) -> Iterator[Endpoint]:
        body = v1_record_type(category)
        path = f"{V1}/{category}"
        yield _endpoint(
            path,
            partial(self.create, category),
            f"Propose a new record of {category}",
            hdrs.METH_POST,
            body=body,
        )
        yield _endpoint(
            path,
            partial(self.update, category),
            f"Propose another record for a name in {category}",
            hdrs.METH_PUT,
            body=body,
            description="The whole record is replaced; what others changed meanwhile is kept.",
        )
        delete = partial(self.delete, category)
        yield _endpoint(
            f"{path}/model/{{{MODEL_NAME}}}",
            delete,
            f"Propose the removal of a record of {category}",
            hdrs.METH_DELETE,
            patterns={MODEL_NAME: ANY_NAME},
        )
        yield _endpoint(
            f"{path}/{{{MODEL_NAME}}}",
            delete,
            f"Propose the removal of a record of {category} (short form)",
            hdrs.METH_DELETE,
            in_schema=False,
        )

    async def create(self, category: str, request: web.Request) -> web.StreamResponse:
        """Propose a new record."""
        options = parse_query(ProposalParameters, request.query)
        user = await self._requestor(category, request)
        payload = await to_payload(normalised_v1, category, await read_json(request))
        origin = options.origin(f"create_legacy_{category}_model")
        command = proposing.create(category, payload, "legacy", origin)
        return await self._side.submit(request, user, command)

    async def update(self, category: str, request: web.Request) -> web.StreamResponse:
        """Propose another record for the name within it."""
        options = parse_query(ProposalParameters, request.query)
        user = await self._requestor(category, request)
        payload = await to_payload(normalised_v1, category, await read_json(request))
        origin = options.origin(_update_route(category))
        command = proposing.update(category, payload["name"], payload, "legacy", origin)
        return await self._side.submit(request, user, command)

    async def delete(self, category: str, request: web.Request) -> web.StreamResponse:
        """Propose the removal of a record."""
        options = parse_query(ProposalParameters, request.query)
        user = await self._requestor(category, request)
        name = request.match_info[MODEL_NAME]
        command = proposing.delete(category, name, "legacy", options.origin(DELETE_ROUTE))
        return await self._side.submit(request, user, command)

    async def delete_unknown(self, request: web.Request) -> web.StreamResponse:
        """Refuse a category that does not exist, or has no legacy form."""
        return await self.delete(path_category(request), request)

    async def _requestor(self, category: str, request: web.Request) -> User:
        user = await self._side.access.requestor(request)
        self._side.modes.require_writable("legacy", category)
        return user


def _update_route(category: str) -> str:
    is_image = category == MODEL_REFERENCE_CATEGORY.image_generation
    return "update_legacy_model" if is_image else f"update_legacy_{category}_model"


def _endpoint(path: str, handler: Any, summary: str, method: str, **more: Any) -> Endpoint:  # noqa: ANN401 - fields of an endpoint
    return Endpoint(
        path,
        handler,
        summary,
        TAG,
        {202: ChangeValue, 405: Problem, **WRITES},
        method=method,
        query=ProposalParameters,
        needs_key=True,
        **more,
    )
