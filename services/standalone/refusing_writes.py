"""The write side of a replica: it knows who asks, and accepts nothing (http-read-api.md section 1)."""

import contextlib
from collections.abc import AsyncIterator

from read_api.role import OnlyOnPrimary
from service_kit.authentication import Authenticator
from service_kit.key_check import open_key_checker
from service_kit.request_limits import RequestLimits
from service_kit.roles import RoleTable
from service_kit.stores import open_rate_limiter
from service_kit.telemetry import Telemetry
from write_queue.settings import WriteQueueSettings
from write_queue.write_side import WriteSide


@contextlib.asynccontextmanager
async def refusing_writes(
    side: WriteSide, settings: WriteQueueSettings, telemetry: Telemetry
) -> AsyncIterator[None]:
    """Check keys until the end of the context. No journal is opened: whoever has a key is refused."""
    async with (
        open_rate_limiter(settings.rate_limits, settings.redis, telemetry) as limiter,
        open_key_checker(settings, telemetry) as checker,
    ):
        limits = RequestLimits(
            limiter, settings.rate_limits, telemetry, trusted_proxies=settings.trusted_proxies
        )
        roles = RoleTable.from_settings(settings.pending_queue)
        side.attach(Authenticator(checker, roles, limits), known=lambda: None)
        side.failure = OnlyOnPrimary("a REPLICA has no queue")  # nobody need wait for it to open
        try:
            yield
        finally:
            side.close()
