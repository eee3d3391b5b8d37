"""Proposing records in legacy form, where that is the canonical one (http-write-api.md section 5)."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from aiohttp import hdrs, web

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, get_category_descriptor
from horde_model_reference.proposals.v1_records import v1_record_type
from service_kit.endpoints import Endpoint
from service_kit.problem_models import Invalid, Problem
from write_queue.parameters import CATEGORY, MODEL_NAME, ProposalParameters, path_category
from write_queue.refusals import V1, WRITES
from write_queue.responses import ChangeValue
from write_queue.routes.proposals import Proposals
from write_queue.routes.writing import Writing
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
        self._proposals = Proposals(side, "legacy")

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints; every category has routes of its own, for its own body."""
        for category in LEGACY_CATEGORIES:
            yield from self._category_endpoints(category)
        yield Writing(TAG).endpoint(
            hdrs.METH_DELETE,
            f"{V1}/{{{CATEGORY}}}/model/{{{MODEL_NAME}}}",
            self.delete_unknown,
            "A record of any other category: there is none",
            {422: Invalid},
        )

    def _category_endpoints(self, category: str) -> Iterator[Endpoint]:
        writing = Writing(TAG, {405: Problem, **WRITES})
        endpoint = partial(writing.endpoint, answers={202: ChangeValue}, query=ProposalParameters)
        body, path = v1_record_type(category), f"{V1}/{category}"
        yield endpoint(
            hdrs.METH_POST,
            path,
            partial(self._proposals.create, category, f"create_legacy_{category}_model"),
            f"Propose a new record of {category}",
            body=body,
        )
        yield endpoint(
            hdrs.METH_PUT,
            path,
            partial(self._proposals.update, category, _update_route(category)),
            f"Propose another record for a name in {category}",
            body=body,
            description="The whole record is replaced; what others changed meanwhile is kept.",
        )
        delete = partial(self._proposals.delete, category, DELETE_ROUTE)
        yield endpoint(
            hdrs.METH_DELETE,
            f"{path}/model/{{{MODEL_NAME}}}",
            delete,
            f"Propose the removal of a record of {category}",
        )
        yield endpoint(
            hdrs.METH_DELETE,
            f"{path}/{{{MODEL_NAME}}}",
            delete,
            f"Propose the removal of a record of {category} (short form)",
            patterns={},
            in_schema=False,
        )

    async def delete_unknown(self, request: web.Request) -> web.StreamResponse:
        """Refuse a category that does not exist, or has no legacy form."""
        return await self._proposals.delete(path_category(request), DELETE_ROUTE, request)


def _update_route(category: str) -> str:
    is_image = category == MODEL_REFERENCE_CATEGORY.image_generation
    return "update_legacy_model" if is_image else f"update_legacy_{category}_model"
