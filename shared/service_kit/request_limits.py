"""Which requests are limited, and by whom they are counted."""

from aiohttp import hdrs, web

from service_kit.access_settings import RateLimitSettings
from service_kit.client_address import client_address
from service_kit.errors import TooManyRequests
from service_kit.horde_users import User
from service_kit.rate_limit import Limit, RateLimiter
from service_kit.telemetry import Telemetry


class RequestLimits:
    """The limits of requests that need a key: by address, by address for unknown keys, by user for writes."""

    def __init__(
        self,
        limiter: RateLimiter,
        settings: RateLimitSettings,
        telemetry: Telemetry | None = None,
        *,
        trusted_proxies: int = 0,
    ) -> None:
        self._limiter = limiter
        self._telemetry = telemetry
        self._trusted_proxies = trusted_proxies
        self._enabled = settings.enabled
        self._requests = Limit("requests", settings.requests_per_minute, settings.requests_burst)
        self._failed = Limit("failed keys", settings.failed_keys_per_minute, settings.failed_keys_burst)
        self._writes = Limit("writes", settings.writes_per_minute, settings.writes_burst)

    async def count_request(self, request: web.BaseRequest) -> None:
        """Count a request that needs a key. Raises `TooManyRequests`."""
        await self._check(self._requests, self._address(request))

    async def allow_unknown_key(self, request: web.BaseRequest) -> None:
        """Raise `TooManyRequests` if the address sent too many keys that belong to nobody."""
        await self._check(self._failed, self._address(request), 0)

    async def count_failed_key(self, request: web.BaseRequest) -> None:
        """Count a key that belongs to nobody. Raises `TooManyRequests`."""
        await self._check(self._failed, self._address(request))

    async def count_user(self, request: web.BaseRequest, user: User) -> None:
        """Count a write of the user; reads are free. Raises `TooManyRequests`."""
        if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
            await self._check(self._writes, user.user_id)

    def _address(self, request: web.BaseRequest) -> str:
        return client_address(request, self._trusted_proxies)

    async def _check(self, limit: Limit, subject: str, cost: int = 1) -> None:
        if not self._enabled:
            return
        try:
            await self._limiter.check(limit, subject, cost)
        except TooManyRequests:
            if self._telemetry is not None:
                self._telemetry.requests_limited.labels(limit.name).inc()
            raise
