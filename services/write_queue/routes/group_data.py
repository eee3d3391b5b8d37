"""What is stored beside the text models, and changes of whole groups (http-write-api.md section 5.2)."""

from collections.abc import Iterator
from typing import Any, Final

from aiohttp import web

from service_kit.endpoints import Endpoint, Handler
from service_kit.errors import RequestRefused
from service_kit.horde_users import User
from service_kit.parameters import parse_body, parse_query
from write_queue import bodies, responses
from write_queue.domain import group_data, proposing
from write_queue.parameters import ANY_NAME, MODEL_NAME, GroupParameters, path_group_name
from write_queue.refusals import V2, WRITES
from write_queue.write_side import WriteSide

TAG: Final = "v2: text groups"
PREFIX: Final = f"{V2}/text_generation"
CANONICAL: Final = "canonical"
FAMILY: Final = "family_name"


class GroupData:
    """Takes changes of aliases, families and name schemas, effective at once, and of whole groups."""

    def __init__(self, side: WriteSide) -> None:
        self._side = side

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        yield from self._alias_endpoints()
        yield from self._family_endpoints()
        yield from self._group_endpoints()

    def _alias_endpoints(self) -> Iterator[Endpoint]:
        one, entry = f"{PREFIX}/aliases/{{{CANONICAL}}}", {200: responses.AliasEntry}
        body = bodies.AliasBody
        yield _endpoint("PUT", one, self.put_aliases, "Set the aliases", entry, body=bodies.AliasesBody)
        yield _endpoint("POST", f"{one}/add", self.add_alias, "Add an alias", entry, body=body)
        yield _endpoint("POST", f"{one}/remove", self.remove_alias, "Remove an alias", entry, body=body)
        yield _endpoint("DELETE", one, self.delete_aliases, "Remove all aliases", {204: None})

    def _family_endpoints(self) -> Iterator[Endpoint]:
        one, entry = f"{PREFIX}/families/{{{FAMILY}}}", {200: responses.FamilyEntry}
        body = bodies.FamilyMemberBody
        yield _endpoint("PUT", one, self.put_family, "Set the members", entry, body=bodies.FamilyBody)
        yield _endpoint("POST", f"{one}/add", self.add_member, "Add a group to a family", entry, body=body)
        yield _endpoint("POST", f"{one}/remove", self.remove_member, "Remove a group", entry, body=body)
        yield _endpoint("DELETE", one, self.delete_family, "Remove a family", {204: None})

    def _group_endpoints(self) -> Iterator[Endpoint]:
        schema = f"{PREFIX}/group/name_schema"
        yield _endpoint(
            "PUT",
            schema,
            self.put_name_schema,
            "Set how names are composed",
            {200: responses.NameSchemaEntry},
            body=bodies.NameSchemaBody,
            query=GroupParameters,
        )
        yield _endpoint(
            "DELETE",
            schema,
            self.delete_name_schema,
            "Compose names as usual",
            {204: None},
            query=GroupParameters,
        )
        yield _endpoint(
            "PUT",
            f"{PREFIX}/group/common_fields",
            self.common_fields,
            "Propose the same values for every model of a group",
            {202: responses.CommonFieldsProposed},
            body=bodies.CommonFieldsBody,
            query=GroupParameters,
        )
        yield _endpoint(
            "PUT",
            f"{PREFIX}/{{{MODEL_NAME}}}/name_exception",
            self.name_exception,
            "Propose that a name may break the schema of its group, or may not any more",
            {202: responses.NameExceptionProposed},
            body=bodies.NameExceptionBody,
        )

    async def put_aliases(self, request: web.Request) -> web.StreamResponse:
        """Set the aliases of a group."""
        user = await self._requestor(request)
        body = await parse_body(bodies.AliasesBody, request)
        command = group_data.put_aliases(path_group_name(request, CANONICAL), body.aliases)
        return await self._side.submit(request, user, command)

    async def add_alias(self, request: web.Request) -> web.StreamResponse:
        """Add an alias of a group."""
        user = await self._requestor(request)
        body = await parse_body(bodies.AliasBody, request)
        command = group_data.add_alias(path_group_name(request, CANONICAL), body.alias)
        return await self._side.submit(request, user, command)

    async def remove_alias(self, request: web.Request) -> web.StreamResponse:
        """Remove an alias of a group."""
        user = await self._requestor(request)
        body = await parse_body(bodies.AliasBody, request)
        command = group_data.remove_alias(path_group_name(request, CANONICAL), body.alias)
        return await self._side.submit(request, user, command)

    async def delete_aliases(self, request: web.Request) -> web.StreamResponse:
        """Remove all aliases of a group."""
        user = await self._requestor(request)
        command = group_data.delete_aliases(path_group_name(request, CANONICAL))
        return await self._side.submit(request, user, command)

    async def put_family(self, request: web.Request) -> web.StreamResponse:
        """Set the groups of a family."""
        user = await self._requestor(request)
        body = await parse_body(bodies.FamilyBody, request)
        command = group_data.put_family(path_group_name(request, FAMILY), body.members)
        return await self._side.submit(request, user, command)

    async def add_member(self, request: web.Request) -> web.StreamResponse:
        """Add a group to a family."""
        user = await self._requestor(request)
        body = await parse_body(bodies.FamilyMemberBody, request)
        command = group_data.add_family_member(path_group_name(request, FAMILY), body.group_name)
        return await self._side.submit(request, user, command)

    async def remove_member(self, request: web.Request) -> web.StreamResponse:
        """Remove a group from a family."""
        user = await self._requestor(request)
        body = await parse_body(bodies.FamilyMemberBody, request)
        command = group_data.remove_family_member(path_group_name(request, FAMILY), body.group_name)
        return await self._side.submit(request, user, command)

    async def delete_family(self, request: web.Request) -> web.StreamResponse:
        """Remove a family."""
        user = await self._requestor(request)
        command = group_data.delete_family(path_group_name(request, FAMILY))
        return await self._side.submit(request, user, command)

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


def _endpoint(
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    answers: dict[int, Any],
    **more: Any,  # noqa: ANN401 - fields of an endpoint
) -> Endpoint:
    names = (CANONICAL, FAMILY, MODEL_NAME)
    return Endpoint(
        path,
        handler,
        summary,
        TAG,
        {**answers, **WRITES},
        method=method,
        patterns={name: ANY_NAME for name in names if f"{{{name}}}" in path},
        needs_key=True,
        **more,
    )
