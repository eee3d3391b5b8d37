"""Proposing records in v2 form (http-write-api.md section 4)."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from aiohttp import hdrs, web

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.model_reference_records import get_record_type_for_category
from service_kit.endpoints import Endpoint
from service_kit.problem_models import Invalid
from write_queue.parameters import ANY_NAME, CATEGORY, MODEL_NAME, ProposalParameters, path_category
from write_queue.refusals import V2
from write_queue.responses import ChangeValue
from write_queue.routes.proposals import Proposals
from write_queue.routes.writing import Writing
from write_queue.write_side import WriteSide

TAG: Final = "v2: proposals"
ADD_ROUTE: Final = "create_v2_model"
DELETE_ROUTE: Final = "delete_v2_model"
PROPOSED: Final = {202: ChangeValue}


class RecordProposals:
    """Takes proposals of v2 records."""

    def __init__(self, side: WriteSide) -> None:
        self._proposals = Proposals(side, "v2")

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints; every category has routes of its own, for its own body."""
        for category in MODEL_REFERENCE_CATEGORY:
            yield from self._category_endpoints(str(category))
        yield Writing(TAG).endpoint(
            hdrs.METH_POST,
            f"{V2}/{{{CATEGORY}}}/add",
            self.add,
            "Propose a new record of any category",
            PROPOSED,
            query=ProposalParameters,
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
        endpoint = partial(Writing(TAG).endpoint, answers=PROPOSED, query=ProposalParameters)
        record_type = get_record_type_for_category(category)
        path = f"{V2}/{category}/model/{{{MODEL_NAME}}}"
        yield endpoint(
            hdrs.METH_POST,
            f"{V2}/{category}",
            partial(self._proposals.create, category, f"create_v2_{category}"),
            f"Propose a new record of {category}",
            body=record_type,
        )
        yield endpoint(
            hdrs.METH_PUT,
            path,
            partial(self._proposals.update, category, f"update_v2_{category}"),
            f"Propose another record for a name in {category}",
            body=record_type,
            description="The whole record is replaced; what others changed meanwhile is kept.",
        )
        yield endpoint(
            hdrs.METH_DELETE,
            path,
            partial(self._proposals.delete, category, DELETE_ROUTE),
            f"Propose the removal of a record of {category}",
        )

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Propose a new record of the category in the path."""
        return await self._proposals.create(path_category(request), ADD_ROUTE, request)

    async def update_unknown(self, request: web.Request) -> web.StreamResponse:
        """Refuse a category that does not exist."""
        category = path_category(request)
        return await self._proposals.update(category, f"update_v2_{category}", request)

    async def delete_unknown(self, request: web.Request) -> web.StreamResponse:
        """Refuse a category that does not exist."""
        return await self._proposals.delete(path_category(request), DELETE_ROUTE, request)
