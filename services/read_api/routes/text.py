"""Tools for text models: names, groups, aliases and families (http-read-api.md section 8)."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, Final

from aiohttp import hdrs, web
from pydantic import BaseModel, Field

from horde_model_reference.text_families import suggest_families
from horde_model_reference.text_group_views import GroupView
from horde_model_reference.text_groups import NameParts, compose_name
from horde_model_reference.text_names import group_of, parse_text_name
from read_api import responses as shapes
from read_api.answers import serve, serve_value
from read_api.domain.group_answers import family_value, group_value, name_format, parsed_name, saved_schema
from read_api.domain.text_tools import TextModels, TextTools, text_tools
from read_api.holder import PageHolder
from read_api.pages import Pages
from read_api.role import Role
from read_api.routes.references import V2
from service_kit.endpoints import Endpoint
from service_kit.errors import NotFound, ValueNotKnown
from service_kit.parameters import Parameters, parse_body, parse_query
from service_kit.problem_models import Invalid, Problem

TAG: Final = "v2: text models"
PREFIX: Final = f"{V2}/text_generation"
NAME_WITH_SLASHES: Final = r"[\s\S]+"
MAX_NAME_CHARACTERS: Final = 20_000  # taking it apart costs the event loop about 7 ms
MAX_PARTS: Final = 100  # an order may repeat parts


LongText = Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)]


class NameParameters(Parameters):
    """A name; it may hold anything."""

    name: LongText


class FamilyParameters(Parameters):
    """How eagerly families are suggested."""

    min_prefix_length: int = Field(3, ge=2, le=20, description="shortest common beginning, in characters")
    min_family_size: int = Field(2, ge=2, le=50, description="fewest members")


class ComposeNameBody(BaseModel):
    """The parts of a name. Empty optional parts are left out; unknown members are ignored."""

    base_name: LongText
    size: LongText
    author: LongText | None = None
    variant: LongText | None = None
    version: LongText | None = None
    quant: LongText | None = None
    separator: LongText | None = None
    part_order: list[str] | None = Field(None, max_length=MAX_PARTS)


class TextToolRoutes:
    """Serves what can be told about text models, their names and groups."""

    def __init__(self, holder: PageHolder, role: Role) -> None:
        self._holder = holder
        self._role = role

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints; literal paths come before parameters in the same place."""
        yield from self._name_endpoints()
        yield from self._group_endpoints()
        yield from self._side_data_endpoints()

    def _name_endpoints(self) -> Iterator[Endpoint]:
        yield Endpoint(
            f"{PREFIX}/parse_name",
            self.parse_name,
            "Take a name apart",
            TAG,
            {200: shapes.ParsedName, 422: Invalid, 503: Problem},
            query=NameParameters,
        )
        yield Endpoint(
            f"{PREFIX}/compose_name",
            self.compose_name,
            "Compose a name of parts; changes nothing",
            TAG,
            {200: shapes.ComposedName, 422: Invalid | Problem, 503: Problem},
            method=hdrs.METH_POST,
            body=ComposeNameBody,
        )

    def _group_endpoints(self) -> Iterator[Endpoint]:
        for path, handler, summary, content in (
            ("groups", self.groups, "The names of all groups", shapes.GroupNames),
            ("groups/summary", self.groups_summary, "All groups at a glance", shapes.GroupsSummary),
            ("groups/health", self.groups_health, "What is odd about groups", shapes.GroupsHealth),
            ("distinct_baselines", self.baselines, "The baselines in use", shapes.Baselines),
        ):
            yield Endpoint(f"{PREFIX}/{path}", handler, summary, TAG, {200: content, 503: Problem})
        refusals = {404: Problem, 422: Invalid, 503: Problem}
        yield Endpoint(
            f"{PREFIX}/group",
            self.group,
            "One group",
            TAG,
            {200: shapes.Group, **refusals},
            query=NameParameters,
        )
        yield Endpoint(
            f"{PREFIX}/group/name_schema",
            self.name_schema,
            "How the names of a group are composed",
            TAG,
            {200: shapes.GroupNameSchema, **refusals},
            query=NameParameters,
        )

    def _side_data_endpoints(self) -> Iterator[Endpoint]:
        missing = {404: Problem, 503: Problem}
        yield Endpoint(
            f"{PREFIX}/aliases",
            self.aliases,
            "Other names of groups",
            TAG,
            {200: shapes.Aliases, 503: Problem},
        )
        yield Endpoint(
            f"{PREFIX}/aliases/{{canonical}}",
            self.alias,
            "Other names of one group",
            TAG,
            {200: shapes.Alias, **missing},
            patterns={"canonical": NAME_WITH_SLASHES},
        )
        yield Endpoint(
            f"{PREFIX}/families", self.families, "All families", TAG, {200: shapes.Families, 503: Problem}
        )
        yield Endpoint(
            f"{PREFIX}/families/detect",
            self.detect_families,
            "Suggest families",
            TAG,
            {200: shapes.FamilySuggestions, 422: Invalid, 503: Problem},
            query=FamilyParameters,
        )
        yield Endpoint(
            f"{PREFIX}/families/{{family_name}}",
            self.family,
            "One family",
            TAG,
            {200: shapes.Family, **missing},
            patterns={"family_name": NAME_WITH_SLASHES},
        )

    async def parse_name(self, request: web.Request) -> web.StreamResponse:
        """Serve the parts of a name and its group."""
        name = parse_query(NameParameters, request.query).name
        pages, tools = self._tools()
        parsed = parse_text_name(name)
        group = group_of(name)
        value = {
            "original_name": name,
            **parsed_name(parsed),
            "suggested_group": tools.canonical_groups.get(group, group),
        }
        return serve_value(request, pages, value)

    async def compose_name(self, request: web.Request) -> web.StreamResponse:
        """Serve the name that the parts make."""
        body = await parse_body(ComposeNameBody, request, any_content_type=True)
        pages, tools = self._tools()
        parts = NameParts(
            base=body.base_name,
            size=body.size,
            variant=body.variant,
            version=body.version,
            quant=body.quant,
            author=body.author,
        )
        name = compose_name(parts, separator=body.separator, part_order=body.part_order)
        if len(name) > MAX_NAME_CHARACTERS:
            raise ValueNotKnown(f"the composed name has more than {MAX_NAME_CHARACTERS} characters")
        value = {
            "composed_name": name,
            "already_exists": name in tools.models.bodies,
            "suggested_group": group_of(name),
        }
        return serve_value(request, pages, value)

    async def groups(self, request: web.Request) -> web.StreamResponse:
        """Serve the names of all groups."""
        pages, tools = self._tools()
        return serve_value(request, pages, {"groups": sorted(tools.models.groups)})

    async def groups_summary(self, request: web.Request) -> web.StreamResponse:
        """Serve the overview of all groups."""
        pages, tools = self._tools()
        return serve(request, pages, (await tools.overview.get(self._holder.workshop)).summary)

    async def groups_health(self, request: web.Request) -> web.StreamResponse:
        """Serve the issues of all groups."""
        pages, tools = self._tools()
        return serve(request, pages, (await tools.overview.get(self._holder.workshop)).health)

    async def baselines(self, request: web.Request) -> web.StreamResponse:
        """Serve the distinct baselines."""
        pages, tools = self._tools()
        return serve_value(request, pages, {"baselines": sorted(tools.models.baselines)})

    async def group(self, request: web.Request) -> web.StreamResponse:
        """Serve one group with its members."""
        name = parse_query(NameParameters, request.query).name
        pages, tools = self._tools()
        view = _view(tools, name)
        return serve_value(request, pages, group_value(view, tools.side_data, tools.canonical_groups))

    async def name_schema(self, request: web.Request) -> web.StreamResponse:
        """Serve the saved naming schema of a group, else the inferred one."""
        name = parse_query(NameParameters, request.query).name
        pages, tools = self._tools()
        schema = saved_schema(name, tools.side_data, tools.canonical_groups)
        found = schema or _view(tools, name).name_format
        value = {"group_name": name, "name_schema": name_format(found), "is_custom": schema is not None}
        return serve_value(request, pages, value)

    async def aliases(self, request: web.Request) -> web.StreamResponse:
        """Serve all aliases."""
        pages = self._pages_with_side_data()
        entries = [_alias_value(name, aliases) for name, aliases in sorted(pages.side_data.aliases.items())]
        return serve_value(request, pages, {"entries": entries})

    async def alias(self, request: web.Request) -> web.StreamResponse:
        """Serve the aliases of one group."""
        pages = self._pages_with_side_data()
        name = request.match_info["canonical"]
        aliases = pages.side_data.aliases.get(name)
        if aliases is None:
            raise NotFound(f"there are no aliases of '{name}'")
        return serve_value(request, pages, _alias_value(name, aliases))

    async def families(self, request: web.Request) -> web.StreamResponse:
        """Serve all families."""
        pages = self._pages_with_side_data()
        families = [family_value(name, members) for name, members in sorted(pages.side_data.families.items())]
        return serve_value(request, pages, {"families": families})

    async def family(self, request: web.Request) -> web.StreamResponse:
        """Serve one family."""
        pages = self._pages_with_side_data()
        name = request.match_info["family_name"]
        members = pages.side_data.families.get(name)
        if members is None:
            raise NotFound(f"there is no family '{name}'")
        return serve_value(request, pages, family_value(name, members))

    async def detect_families(self, request: web.Request) -> web.StreamResponse:
        """Serve suggestions of families."""
        wanted = parse_query(FamilyParameters, request.query)
        pages, tools = self._tools()
        groups = await tools.named_groups.get(self._holder.workshop)
        found = await asyncio.to_thread(
            suggest_families,
            groups,
            min_prefix_length=wanted.min_prefix_length,
            min_family_size=wanted.min_family_size,
        )
        return serve_value(request, pages, {**asdict(found), "standalone_groups": found.standalone_groups})

    def _pages_with_side_data(self) -> Pages:
        self._role.require_primary("aliases and families are not served here")
        return self._holder.current()

    def _tools(self) -> tuple[Pages, TextTools]:
        """Return the tools of the current pages; over no models where there are none."""
        pages = self._holder.current()
        return pages, pages.text or text_tools(TextModels(), pages.side_data, None)


def _view(tools: TextTools, group: str) -> GroupView:
    view = tools.models.view(group)
    if view is None:
        raise NotFound(f"there is no text model group '{group}'")
    return view


def _alias_value(canonical: str, aliases: tuple[str, ...]) -> dict[str, Any]:
    return {"canonical": canonical, "aliases": sorted(aliases)}
