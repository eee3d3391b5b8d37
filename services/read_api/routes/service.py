"""What the instance tells about itself (http-read-api.md section 2)."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from aiohttp import web

from read_api.answers import serve, serve_value
from read_api.holder import PageHolder
from read_api.horde_watch import HordeWatch, heartbeat_of
from read_api.responses import BackendInfo, Heartbeat, Message
from read_api.role import Role
from service_kit.documents import Document, json_document
from service_kit.endpoints import Endpoint

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

    async def fixed(self, document: Document, request: web.Request) -> web.StreamResponse:
        """Serve a document that does not depend on the catalogue."""
        return serve(request, self._holder.pages, document)

    async def heartbeat(self, request: web.Request) -> web.StreamResponse:
        """Serve what is known of the AI-Horde; nothing is asked for it."""
        return serve_value(request, self._holder.pages, heartbeat_of(self._watch.state, self._clock()))

    async def mode(self, request: web.Request) -> web.StreamResponse:
        """Serve the mode; a replica learns the canonical format from its PRIMARY."""
        return serve_value(request, self._holder.pages, self._role.info.model_dump())
