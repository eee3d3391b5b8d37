"""Who sends a request, and whether they may (http-write-api.md sections 2 and 3)."""

from aiohttp import web

from service_kit.cors import API_KEY
from service_kit.errors import KeyInvalid
from service_kit.horde_users import User
from service_kit.key_check import KeyChecker
from service_kit.request_limits import RequestLimits
from service_kit.roles import APPROVER, REQUESTOR, RoleTable


class Authenticator:
    """Finds out the user of a request, under the limits of its address and of its user.

    All three methods raise `TooManyRequests`, `KeyMissing`, `KeyInvalid` and `KeyServiceUnavailable`, the
    last two also `RoleMissing`.
    """

    def __init__(self, checker: KeyChecker, roles: RoleTable, limits: RequestLimits) -> None:
        self.roles = roles
        self._checker = checker
        self._limits = limits

    async def reader(self, request: web.Request) -> User:
        """Return the user; anybody with a key will do."""
        return await self._user(request, None)

    async def requestor(self, request: web.Request) -> User:
        """Return the user, who may propose."""
        return await self._user(request, REQUESTOR)

    async def approver(self, request: web.Request) -> User:
        """Return the user, who may decide."""
        return await self._user(request, APPROVER)

    async def _user(self, request: web.Request, role: str | None) -> User:
        await self._limits.count_request(request)
        apikey = _apikey(request)
        if apikey and role is not None:
            self.roles.require_configured(role)
        user = await self._identify(request, apikey)
        if role is not None:
            self.roles.require(user, role)
        await self._limits.count_user(request, user)
        return user

    async def _identify(self, request: web.Request, apikey: str | None) -> User:
        if apikey and not self._checker.remembers(apikey):
            await self._limits.allow_unknown_key(request)
        try:
            return await self._checker.identify(apikey)
        except KeyInvalid:
            await self._limits.count_failed_key(request)
            raise


def _apikey(request: web.Request) -> str | None:
    """Return the key of the request. Raises `KeyInvalid` for two: a proxy may look at the other one."""
    match request.headers.getall(API_KEY, []):
        case []:
            return None
        case [one]:
            return one
        case _:
            raise KeyInvalid
