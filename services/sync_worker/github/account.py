"""Our own account, whose pull requests alone are touched (sync.md section 8)."""

import asyncio
from typing import Protocol

from sync_worker.github.answers import AppAnswer, UserAnswer
from sync_worker.github.api import GithubApi
from sync_worker.github.calls import Call
from sync_worker.github.errors import AuthenticationFailed, GithubRefused


class AccountSource(Protocol):
    """Knows whose credentials ours are."""

    async def login(self) -> str:
        """Return the login. Raises `GithubFailed`."""


class TokenAccount:
    """The account that a token belongs to."""

    def __init__(self, api: GithubApi) -> None:
        self._api = api

    async def login(self) -> str:
        try:
            return (await self._api.ask(Call("read our account", "GET", "/user"), UserAnswer)).login
        except GithubRefused:  # a token of an App, such as those that GitHub Actions hands out
            raise AuthenticationFailed(
                "GitHub does not say whose token it is: set HORDE_GITHUB_SYNC_GITHUB_LOGIN"
            ) from None


class AppAccount:
    """The account that a GitHub App acts as; `api` makes its calls as the App itself."""

    def __init__(self, api: GithubApi) -> None:
        self._api = api

    async def login(self) -> str:
        answer = await self._api.ask(Call("read our App", "GET", "/app"), AppAnswer)
        return f"{answer.slug}[bot]"


class OwnAccount:
    """Finds the login out once, unless it was given. Without a source there is no account."""

    def __init__(self, source: AccountSource | None, login: str = "") -> None:
        self._source = source
        self._login = login
        self._lock = asyncio.Lock()

    async def login(self) -> str | None:
        """Return the login, such as `somebody` or `some-app[bot]`; None for nobody."""
        if self._source is None:
            return None
        async with self._lock:
            self._login = self._login or await self._source.login()
            return self._login
