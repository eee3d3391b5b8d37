"""GitHub as the sync-worker sees it: the repositories that it may ask for (sync.md sections 9 and 10)."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import aiohttp

from service_kit.telemetry import Telemetry
from sync_worker.github.account import AppAccount, OwnAccount, TokenAccount
from sync_worker.github.api import GithubApi
from sync_worker.github.app_key import AppKey
from sync_worker.github.app_tokens import AppTokens, Installation
from sync_worker.github.authenticator import Anonymous, Authenticator, StaticToken
from sync_worker.github.metrics import GithubMetrics
from sync_worker.github.pacing import Pacer
from sync_worker.github.repository import Repository
from sync_worker.github.settings import AppCredentials, GithubSettings, TokenCredentials
from sync_worker.github.timing import GithubTiming
from sync_worker.github.transport import Transport

MAX_CONNECTIONS: Final = 4


@dataclass(frozen=True, slots=True)
class _Wire:
    """What all calls have in common, whoever makes them."""

    transport: Transport
    pacer: Pacer
    metrics: GithubMetrics
    timing: GithubTiming

    def api(self, authenticator: Authenticator) -> GithubApi:
        return GithubApi(self.transport, authenticator, self.pacer, self.metrics, self.timing)


class Github:
    """One account, whose limits hold for all repositories together."""

    def __init__(
        self, wire: _Wire, credentials: AppCredentials | TokenCredentials | None, login: str
    ) -> None:
        self._wire = wire
        self._credentials = credentials
        self._account = OwnAccount(_source(wire, credentials), login)

    @property
    def may_write(self) -> bool:
        """Whether there are credentials; whether they are any good shows when they are used."""
        return self._credentials is not None

    @property
    def call_seconds(self) -> float | None:
        """How long GitHub's last answer took; None before the first."""
        return self._wire.transport.last_seconds

    def repository(self, owner: str, name: str) -> Repository:
        """Return a repository; nothing is asked yet."""
        return Repository(self._wire.api(self._authenticator(owner, name)), self._account, owner, name)

    def _authenticator(self, owner: str, name: str) -> Authenticator:
        match self._credentials:
            case AppCredentials() as app:
                api = self._wire.api(AppKey(app.app_id, app.key, self._wire.timing.wall))
                place = Installation(owner, name, app.installation_id)
                return AppTokens(api, place, self._wire.timing.wall)
            case TokenCredentials(token):
                return StaticToken(token)
            case None:
                return Anonymous()


@contextlib.asynccontextmanager
async def open_github(
    settings: GithubSettings, telemetry: Telemetry, *, timing: GithubTiming | None = None
) -> AsyncIterator[Github]:
    """Yield GitHub, which may be down, at the address and as the account of the settings.

    Without credentials what is public can be read. `timing` is for tests.
    """
    timing = timing or GithubTiming()
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS), cookie_jar=aiohttp.DummyCookieJar()
    )
    async with session:
        transport = Transport(session, settings.github_api_url, timing)
        wire = _Wire(transport, Pacer(timing), GithubMetrics(telemetry), timing)
        yield Github(wire, settings.credentials(), settings.github_login)


def _source(
    wire: _Wire, credentials: AppCredentials | TokenCredentials | None
) -> TokenAccount | AppAccount | None:
    match credentials:
        case AppCredentials() as app:
            return AppAccount(wire.api(AppKey(app.app_id, app.key, wire.timing.wall)))
        case TokenCredentials(token):
            return TokenAccount(wire.api(StaticToken(token)))
        case None:
            return None
