"""How the whole system is doing: a part for everybody, and one for approvers (web-console.md B12)."""

import time
from collections.abc import Callable, Hashable, Iterator
from typing import Final

import orjson
from aiohttp import hdrs, web

from read_api.answers import serve
from read_api.domain.system_picture import picture_of
from read_api.holder import PageHolder
from read_api.role import Role
from read_api.routes.service import TAG
from read_api.served_status import served_status
from read_api.status_desk import StatusDesk
from read_api.status_shapes import Status
from read_api.status_view import operator_view, public_view
from service_kit.authentication import Authenticator
from service_kit.cors import API_KEY
from service_kit.documents import VARY, Document, plain_document
from service_kit.endpoints import Endpoint
from service_kit.errors import KeyServiceUnavailable
from service_kit.problem_models import Problem
from service_kit.problems import NO_STORE
from service_kit.roles import APPROVER

FOR_A_MOMENT: Final = "public, max-age=2"
ROLE_MISSING: Final = "the role approver is needed for the details"
NO_APPROVERS: Final = "nobody is an approver here"
NO_KEY: Final = "approvers see the details with their apikey"
DESCRIPTION: Final = (
    "`overall` says in a word how the system is doing, and `reasons` why. Nobody is asked for the answer: it"
    " is what the instances reported of themselves in the last seconds. With the `apikey` of an approver"
    " `details` holds hosts, checks and errors as well; else it is null, and `details_withheld` says why."
)


class StatusRoutes:
    """Serves the status from memory. The public part is made once a second at most, however many ask."""

    def __init__(
        self,
        holder: PageHolder,
        role: Role,
        desk: StatusDesk,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._holder = holder
        self._role = role
        self._desk = desk
        self._clock = clock
        self._made_of: Hashable = None
        self._public: Document | None = None

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoint."""
        yield Endpoint(
            "/status",
            self.status,
            "How the system is doing",
            TAG,
            {200: Status, 401: Problem, 429: Problem},
            description=DESCRIPTION,
        )

    async def status(self, request: web.Request) -> web.StreamResponse:
        """Serve the part that the caller may see. Raises `KeyInvalid` and `TooManyRequests`."""
        if API_KEY in request.headers:
            withheld = await self._why_withheld(request)
            document = plain_document(self._body(withheld), cache_control=NO_STORE)
        else:
            document = self._public_document()
        response = serve(request, self._holder.pages, document)
        response.headers[hdrs.VARY] = f"{VARY}, {API_KEY}"
        return response

    def _public_document(self) -> Document:
        pages, stale = self._holder.pages, self._holder.stale
        made_of = (int(self._clock()), stale, pages.sequence if pages else None)
        if self._public is None or made_of != self._made_of:
            self._public = plain_document(self._body(NO_KEY), cache_control=FOR_A_MOMENT)
            self._made_of = made_of
        return self._public

    def _body(self, withheld: str | None) -> bytes:
        picture = picture_of(self._desk.board)
        return orjson.dumps(
            {
                **public_view(picture),
                **served_status(self._holder),
                **self._role.info.model_dump(mode="json"),
                "cors_origins": self._desk.cors_origins,
                "knows": "every instance" if self._desk.hears_others else "this instance only",
                "details": operator_view(picture) if withheld is None else None,
                "details_withheld": withheld,
            }
        )

    async def _why_withheld(self, request: web.Request) -> str | None:
        """Return why the caller does not see the details; None when they may.

        The status is wanted most when something fails: that keys cannot be checked is no reason for an error.
        """
        access = self._desk.find_access()
        if access is None or not access.roles.has_any(APPROVER):
            return NO_APPROVERS
        try:
            return await _why_not(access, request)
        except KeyServiceUnavailable as error:
            return str(error)


async def _why_not(access: Authenticator, request: web.Request) -> str | None:
    user = await access.reader(request)
    return None if APPROVER in access.roles.roles(user) else ROLE_MISSING
