"""Who somebody is here (http-write-api.md section 2)."""

from collections.abc import Iterator
from typing import Final

from aiohttp import web

from service_kit.endpoints import Endpoint
from service_kit.roles import APPROVER, REQUESTOR
from write_queue.answers import value_answer
from write_queue.refusals import V2, WITH_KEY
from write_queue.responses import Roles
from write_queue.write_side import WriteSide

TAG: Final = "users"


class Users:
    """Tells users what they may do."""

    def __init__(self, side: WriteSide) -> None:
        self._side = side

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoint."""
        yield Endpoint(
            f"{V2}/me/roles",
            self.my_roles,
            "Whom the key belongs to, and what they may do",
            TAG,
            {200: Roles, **WITH_KEY},
            needs_key=True,
        )

    async def my_roles(self, request: web.Request) -> web.StreamResponse:
        """Show the caller's roles; they do not depend on the mode of the instance."""
        access = self._side.access
        user = await access.reader(request)
        roles = access.roles.roles(user)
        return value_answer(
            {
                "user_id": user.user_id,
                "username": user.username,
                "roles": sorted(roles),
                "is_approver": APPROVER in roles,
                "is_requestor": REQUESTOR in roles,
            }
        )
