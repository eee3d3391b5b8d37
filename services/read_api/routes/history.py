"""What happened to the catalogue: its revisions, and the history of single models."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Annotated, Any, Final

import orjson
from aiohttp import web
from pydantic import Field

from read_api import history_shapes as shapes
from read_api.answers import serve, serve_at
from read_api.archive import Archive
from read_api.domain.categories import CATEGORIES
from read_api.domain.record_changes import field_changes, net_operation
from read_api.domain.revision_values import change_values, line_value, revision_value
from read_api.holder import PageHolder
from read_api.routes.former_references import MAX_REVISION, find_record
from read_api.routes.references import ANY_NAME, HISTORY, MODEL_NAME, V2, References
from registry.change_record import model_key
from registry.history_state import RevisionLine
from registry.state import State
from service_kit.endpoints import Endpoint
from service_kit.errors import NotFound
from service_kit.parameters import Parameters, parse_query
from service_kit.problem_models import Invalid, Problem
from service_kit.slices import Steps

TAG: Final = "v2: history"
REVISION: Final = "revision"

Before = Annotated[
    int | None, Field(ge=0, le=MAX_REVISION, description="only revisions older than this one; none: all")
]


class RevisionsParameters(Parameters):
    """Which page of the revisions, newest first."""

    before: Before = None
    limit: int = Field(50, ge=1, le=200, description="most revisions in the answer")


class ModelHistoryParameters(Parameters):
    """Which page of a model's versions, newest first."""

    before: Before = None
    limit: int = Field(20, ge=1, le=100, description="most versions in the answer")


class History:
    """Serves the revisions as the journal knows them."""

    def __init__(self, holder: PageHolder, references: References) -> None:
        self._holder = holder
        self._references = references

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints. They have to stand before the routes of single records."""
        yield Endpoint(
            f"{V2}/revisions",
            self.revisions,
            "The revisions of the catalogue, newest first",
            TAG,
            {200: shapes.Revisions, 422: Invalid, 503: Problem},
            query=RevisionsParameters,
        )
        yield Endpoint(
            f"{V2}/revisions/{{{REVISION}}}",
            self.revision,
            "One revision",
            TAG,
            {200: shapes.RevisionDetail, 404: Problem, 503: Problem},
            patterns={REVISION: r"\d{1,15}"},
        )
        yield Endpoint(
            f"{V2}/revisions/{{{REVISION}}}/entry",
            self.entry,
            "The journal entry that made a revision, exactly as it is stored",
            TAG,
            {200: shapes.RevisionEntry, 404: Problem, 503: Problem},
            patterns={REVISION: r"\d{1,15}"},
            description="With it a client can check what it got: the entry names the SHA-256 of every "
            "document of the revision, and of the entry before it. Its signature covers its bytes without "
            "the last member, `signature`, and the comma before that.",
        )
        for category in CATEGORIES:
            yield Endpoint(
                f"{V2}/{category}/model/{{{MODEL_NAME}}}{HISTORY}",
                partial(self.model_history, category),
                f"The versions of one model of {category}, newest first",
                TAG,
                {200: shapes.ModelHistory, 404: Problem, 422: Invalid, 503: Problem},
                query=ModelHistoryParameters,
                patterns={MODEL_NAME: ANY_NAME},
                description="Also of a model that does not exist any more. Where no model of this name ever "
                f"existed, but one whose name ends in `{HISTORY}`, its record is the answer; sent as `%2F`, "
                "that slash always belongs to the name.",
            )

    async def revisions(self, request: web.Request) -> web.StreamResponse:
        """Serve a page of the list of revisions."""
        asked = parse_query(RevisionsParameters, request.query)
        archive = self._holder.archive()
        state = archive.state
        head = state.revision
        newest = head if asked.before is None else min(head, asked.before - 1)
        numbers = range(newest, max(0, newest - asked.limit), -1)
        lines = [partial(line_value, archive.line(number), state.queue) for number in numbers]
        value = {
            "revisions": await archive.workshop.run(_each(lines)),
            "next_before": numbers[-1] if numbers and numbers[-1] > 1 else None,
            "head": head,
        }
        return await self._serve(request, value)

    async def revision(self, request: web.Request) -> web.StreamResponse:
        """Serve one revision with what it touched and the hashes of its documents."""
        archive = self._holder.archive()
        line = archive.line(int(request.match_info[REVISION]))
        ref = await archive.catalogue(line.revision)
        return await self._serve(request, revision_value(line, archive.state.queue, ref))

    async def entry(self, request: web.Request) -> web.StreamResponse:
        """Serve the bytes that the chain of hashes and the signatures are about."""
        revision = int(request.match_info[REVISION])
        return serve_at(request, revision, await self._holder.archive().entry(revision))

    async def model_history(self, category: str, request: web.Request) -> web.StreamResponse:
        """Serve a page of the versions of one model."""
        name = request.match_info[MODEL_NAME]
        archive = self._holder.archive()
        state = archive.state
        revisions = state.history.by_model.get(model_key(category, name), ())
        if not revisions and not self._references.exists(category, name):
            return await self._record_of_that_name(category, name, request)
        asked = parse_query(ModelHistoryParameters, request.query)
        older = (number for number in reversed(revisions) if asked.before is None or number < asked.before)
        page = list(islice(older, asked.limit))
        value = {
            "category": category,
            "model_name": name,
            "versions": await _versions(archive, state, category, name, page),
            "next_before": page[-1] if page and page[-1] > revisions[0] else None,
            "total": len(revisions),
        }
        return await self._serve(request, value)

    async def _record_of_that_name(
        self, category: str, name: str, request: web.Request
    ) -> web.StreamResponse:
        if self._references.exists(category, f"{name}{HISTORY}"):
            return await self._references.serve_model(category, f"{name}{HISTORY}", request)
        raise NotFound(f"there never was a model '{name}' in '{category}'")

    async def _serve(self, request: web.Request, value: dict[str, Any]) -> web.StreamResponse:
        document = await self._holder.archive().packed(orjson.dumps(value))
        return serve(request, self._holder.pages, document)


def _each(values: Iterable[Callable[[], dict[str, Any]]]) -> Steps[list[dict[str, Any]]]:
    """Make the values in slices: a seeding touches a thousand models, a batch may touch ten thousand."""
    made: list[dict[str, Any]] = []
    for make in values:
        made.append(make())
        yield
    return made


async def _versions(
    archive: Archive, state: State, category: str, name: str, revisions: Iterable[int]
) -> list[dict[str, Any]]:
    lines = [archive.line(number) for number in revisions]
    held = (archive.diffs.find((category, name, line.revision)) for line in lines)
    differences = [one for one in held if one is not None]
    if len(differences) < len(lines):
        async with archive.admission:
            making = (_difference(archive, line, category, name) for line in lines)
            differences = [*await asyncio.gather(*making)]
    versions = [
        partial(_version, state, line, category, name, difference)
        for line, difference in zip(lines, differences, strict=True)
    ]
    return await archive.workshop.run(_each(versions))


def _version(state: State, line: RevisionLine, category: str, name: str, difference: bytes) -> dict[str, Any]:
    about_it = (one for one in line.change_ids if _is_about(state, one, category, name))
    return {
        "revision": line.revision,
        "sequence": line.sequence,
        "committed_at": line.occurred_at.isoformat(),
        "kind": line.kind,
        "actor": line.actor,
        "username": line.username,
        "rolled_back_to": line.rolled_back_to,
        "changes": list(change_values(about_it, state.queue)),
        "difference": orjson.Fragment(difference),
    }


def _is_about(state: State, change_id: int, category: str, name: str) -> bool:
    change = state.queue.changes.get(change_id)
    return change is not None and change.category == category and change.model_name == name


async def _difference(archive: Archive, line: RevisionLine, category: str, name: str) -> bytes:
    """Return what a revision made of a model, as JSON; it never changes."""

    async def make() -> bytes:
        before = await find_record(archive, category, name, line.revision - 1)
        after = await find_record(archive, category, name, line.revision)
        value = {"operation": net_operation(before, after), **field_changes(category, before, after)}
        return orjson.dumps(value)

    return await archive.diffs.get((category, name, line.revision), make)
