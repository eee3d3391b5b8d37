"""What the instance tells about itself (http-read-api.md section 2)."""

import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from aiohttp import web

from read_api.answers import serve, serve_value
from read_api.holder import PageHolder, RevisionSource
from read_api.horde_watch import HordeWatch, heartbeat_of
from read_api.pages import Pages
from read_api.responses import BackendInfo, Heartbeat, Message, Status
from read_api.role import Role
from service_kit.documents import Document, json_document
from service_kit.endpoints import Endpoint
from service_kit.errors import ServiceError

TAG: Final = "service"
WELCOME: Final = "Welcome to the AI-Horde model reference. Documentation: /api/docs"


class Service:
    """Serves the answers about the instance."""

    def __init__(
        self,
        holder: PageHolder,
        role: Role,
        watch: HordeWatch,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._holder = holder
        self._role = role
        self._watch = watch
        self._clock = clock

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoints."""
        welcome = partial(self.fixed, json_document({"message": WELCOME}))
        yield Endpoint("/", welcome, "Welcome", TAG, {200: Message})
        yield Endpoint("/heartbeat", self.heartbeat, "A sign of life", TAG, {200: Heartbeat})
        yield Endpoint("/replicate_mode", self.mode, "What kind of instance this is", TAG, {200: BackendInfo})
        yield Endpoint("/status", self.status, "What is being served, for operators", TAG, {200: Status})

    async def fixed(self, document: Document, request: web.Request) -> web.StreamResponse:
        """Serve a document that does not depend on the catalogue."""
        return serve(request, self._holder.pages, document)

    async def heartbeat(self, request: web.Request) -> web.StreamResponse:
        """Serve what is known of the AI-Horde; nothing is asked for it."""
        return serve_value(request, self._holder.pages, heartbeat_of(self._watch.state, self._clock()))

    async def mode(self, request: web.Request) -> web.StreamResponse:
        """Serve the mode; a replica learns the canonical format from its PRIMARY."""
        return serve_value(request, self._holder.pages, self._role.info.model_dump())

    async def status(self, request: web.Request) -> web.StreamResponse:
        """Serve revision, sizes, rejected records and the contact with the journal."""
        holder = self._holder
        return serve_value(request, holder.pages, _status(holder.pages, holder.source, stale=holder.stale))


def _status(pages: Pages | None, source: RevisionSource | None, *, stale: bool) -> dict[str, Any]:
    return {
        "revision": pages.revision if pages else None,
        "sequence": pages.sequence if pages else None,
        "committed_at": pages.committed_at.isoformat() if pages and pages.committed_at else None,
        "stale": stale,
        "store": _store_status(source),
        "categories": dict(_category_statuses(pages)) if pages else {},
    }


def _store_status(source: RevisionSource | None) -> dict[str, Any]:
    age = source.age_seconds if source else math.inf
    failure = source.failure if source else None
    return {
        "reachable": source is not None and failure is None and math.isfinite(age),
        "seconds_since_contact": round(age, 1) if math.isfinite(age) else None,
        "problem": _problem(failure) if failure else None,
    }


def _problem(failure: Exception) -> str:
    """Only the texts of our own errors are meant to be shown."""
    return str(failure) if isinstance(failure, ServiceError) else type(failure).__name__


def _category_statuses(pages: Pages) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, category in pages.categories.items():
        rejected = pages.side_data.rejected.get(name, ())
        yield (
            name,
            {
                "models": len(category.models),
                "v2_bytes": len(category.v2.identity),
                "legacy_bytes": len(category.v1.identity) if category.v1 else None,
                "rejected": [one.model_dump() for one in rejected],
            },
        )
