"""Tokens of a GitHub App (sync.md section 10)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sync_worker.github.answers import InstallationAnswer, TokenAnswer
from sync_worker.github.api import GithubApi
from sync_worker.github.calls import Call
from sync_worker.github.errors import AuthenticationFailed, GithubRefused

RENEW_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Installation:
    """Where an App acts: in one repository. Without the id of the installation it is asked for."""

    owner: str
    name: str
    id: int | None


class AppTokens:
    """The tokens of an App for one repository, each renewed five minutes before its end.

    `app` makes its calls as the App itself.
    """

    def __init__(self, app: GithubApi, place: Installation, wall: Callable[[], float]) -> None:
        self._app = app
        self._place = place
        self._wall = wall
        self._installation_id = place.id
        self._token = ""
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def token(self) -> str | None:
        async with self._lock:
            if not self._token or self._wall() >= self._renew_at:
                await self._renew()
            return self._token

    def invalidate(self, token: str) -> bool:
        if token == self._token:
            self._token = ""
        return True

    async def _renew(self) -> None:
        place = f"{self._place.owner}/{self._place.name}"
        try:
            if self._installation_id is None:
                call = Call("find the installation", "GET", f"/repos/{place}/installation")
                self._installation_id = (await self._app.ask(call, InstallationAnswer)).id
            path = f"/app/installations/{self._installation_id}/access_tokens"
            body = {"repositories": [self._place.name]}
            answer = await self._app.ask(Call("create a token", "POST", path, body=body), TokenAnswer)
        except GithubRefused as error:
            self._installation_id = self._place.id  # one that was found may be gone: it is asked for again
            raise AuthenticationFailed(f"the GitHub App gets no token for {place}: {error}") from None
        self._token = answer.token
        self._renew_at = answer.expires_at.timestamp() - RENEW_SECONDS
