"""What is stored beside the text models, and changes of whole groups (http-write-api.md section 5.2)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from aiohttp import hdrs, web
from pydantic import BaseModel

from service_kit.endpoints import Endpoint
from service_kit.errors import RequestRefused
from service_kit.horde_users import User
from service_kit.parameters import parse_body, parse_query
from write_queue import bodies, responses
from write_queue.domain import group_data, proposing
from write_queue.domain.commands import Command
from write_queue.parameters import CANONICAL, FAMILY, MODEL_NAME, GroupParameters, path_group_name
from write_queue.refusals import V2
from write_queue.routes.writing import Details, Writing
from write_queue.write_side import WriteSide

PREFIX: Final = f"{V2}/text_generation"
WRITING: Final = Writing("v2: text groups")

Body = TypeVar("Body", bound=BaseModel)
MakeCommand = Callable[[str, Any], Command]


@dataclass(frozen=True, slots=True)
class Row:
    """A change of what is stored under the name in the path; `make` takes that name, and the body if any."""

    method: str
    path: str
    summary: str
    answers: Mapping[int, Any]
    body: type[BaseModel] | None
    make: MakeCommand


def _row(
    path: str, summary: str, answer: type[BaseModel], body: type[Body], make: Callable[[str, Body], Command]
) -> Row:
    """Return a change with a body; where the path ends with the name, the body is all there is to be."""
    is_whole = path.endswith("}")
    return Row(hdrs.METH_PUT if is_whole else hdrs.METH_POST, path, summary, {200: answer}, body, make)


def _removal(path: str, summary: str, make: Callable[[str], Command]) -> Row:
    return Row(hdrs.METH_DELETE, path, summary, {204: None}, None, lambda name, _: make(name))


ALIASES: Final = f"{PREFIX}/aliases/{{{CANONICAL}}}"
FAMILIES: Final = f"{PREFIX}/families/{{{FAMILY}}}"
ROWS: Final = (
    _row(
        ALIASES,
        "Set the aliases",
        responses.AliasEntry,
        bodies.AliasesBody,
        lambda group, body: group_data.put_aliases(group, body.aliases),
    ),
    _row(
        f"{ALIASES}/add",
        "Add an alias",
        responses.AliasEntry,
        bodies.AliasBody,
        lambda group, body: group_data.add_alias(group, body.alias),
    ),
    _row(
        f"{ALIASES}/remove",
        "Remove an alias",
        responses.AliasEntry,
        bodies.AliasBody,
        lambda group, body: group_data.remove_alias(group, body.alias),
    ),
    _removal(ALIASES, "Remove all aliases", group_data.delete_aliases),
    _row(
        FAMILIES,
        "Set the members",
        responses.FamilyEntry,
        bodies.FamilyBody,
        lambda family, body: group_data.put_family(family, body.members),
    ),
    _row(
        f"{FAMILIES}/add",
        "Add a group to a family",
        responses.FamilyEntry,
        bodies.FamilyMemberBody,
        lambda family, body: group_data.add_family_member(family, body.group_name),
    ),
    _row(
        f"{FAMILIES}/remove",
        "Remove a group",
        responses.FamilyEntry,
        bodies.FamilyMemberBody,
        lambda family, body: group_data.remove_family_member(family, body.group_name),
    ),
    _removal(FAMILIES, "Remove a family", group_data.delete_family),
)


class GroupData:
    """Takes changes of aliases, families and name schemas, effective at once, and of whole groups."""

    def __init__(self, side: WriteSide) -> None:
        self._side = side

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        for row in ROWS:
            details: Details = {} if row.body is None else {"body": row.body}
            handler = partial(self.change, row)
            yield WRITING.endpoint(row.method, row.path, handler, row.summary, row.answers, **details)
        yield from self._group_endpoints()

    def _group_endpoints(self) -> Iterator[Endpoint]:
        schema = f"{PREFIX}/group/name_schema"
        yield WRITING.endpoint(
            hdrs.METH_PUT,
            schema,
            self.put_name_schema,
            "Set how names are composed",
            {200: responses.NameSchemaEntry},
            body=bodies.NameSchemaBody,
            query=GroupParameters,
        )
        yield WRITING.endpoint(
            hdrs.METH_DELETE,
            schema,
            self.delete_name_schema,
            "Compose names as usual",
            {204: None},
            query=GroupParameters,
        )
        yield WRITING.endpoint(
            hdrs.METH_PUT,
            f"{PREFIX}/group/common_fields",
            self.common_fields,
            "Propose the same values for every model of a group",
            {202: responses.CommonFieldsProposed},
            body=bodies.CommonFieldsBody,
            query=GroupParameters,
        )
        yield WRITING.endpoint(
            hdrs.METH_PUT,
            f"{PREFIX}/{{{MODEL_NAME}}}/name_exception",
            self.name_exception,
            "Propose that a name may break the schema of its group, or may not any more",
            {202: responses.NameExceptionProposed},
            body=bodies.NameExceptionBody,
        )

    async def change(self, row: Row, request: web.Request) -> web.StreamResponse:
        """Do what a row of the table says."""
        user = await self._requestor(request)
        body = None if row.body is None else await parse_body(row.body, request)
        (name,) = (path_group_name(request, one) for one in request.match_info)
        return await self._side.submit(request, user, row.make(name, body))

    async def put_name_schema(self, request: web.Request) -> web.StreamResponse:
        """Set how the names of a group are composed."""
        group = parse_query(GroupParameters, request.query).name
        user = await self._requestor(request)
        body = await parse_body(bodies.NameSchemaBody, request)
        fields = body.model_dump(exclude_unset=True, exclude_none=True)
        return await self._side.submit(request, user, group_data.put_name_schema(group, fields))

    async def delete_name_schema(self, request: web.Request) -> web.StreamResponse:
        """Remove what was set about the names of a group."""
        group = parse_query(GroupParameters, request.query).name
        user = await self._requestor(request)
        return await self._side.submit(request, user, group_data.delete_name_schema(group))

    async def common_fields(self, request: web.Request) -> web.StreamResponse:
        """Propose the same values for every model of a group."""
        group = parse_query(GroupParameters, request.query).name
        user = await self._requestor(request)
        self._side.modes.require_queue()
        body = await parse_body(bodies.CommonFieldsBody, request)
        fields = body.model_dump(exclude_unset=True, exclude_none=True)
        if not fields:
            raise RequestRefused("no field is given that could be set")
        return await self._side.submit(request, user, proposing.common_fields(group, fields))

    async def name_exception(self, request: web.Request) -> web.StreamResponse:
        """Propose that a name may break the schema of its group."""
        user = await self._requestor(request)
        self._side.modes.require_queue()
        body = await parse_body(bodies.NameExceptionBody, request)
        command = proposing.name_exception(request.match_info[MODEL_NAME], body.reason or None)
        return await self._side.submit(request, user, command)

    async def _requestor(self, request: web.Request) -> User:
        user = await self._side.access.requestor(request)
        self._side.modes.require_primary()
        return user
