"""What a call to GitHub carries to say who we are (sync.md section 10)."""

from typing import Protocol


class Authenticator(Protocol):
    """Knows the token of the next call."""

    async def token(self) -> str | None:
        """Return the token; None to ask as nobody. Raises `GithubFailed` when there is none to be had."""

    def invalidate(self, token: str) -> bool:
        """Take note that GitHub refused this token; return whether the next one will be another."""


class Anonymous:
    """Nobody: reads what is public."""

    async def token(self) -> str | None:
        return None

    def invalidate(self, token: str) -> bool:  # noqa: ARG002 - of the port
        return False


class StaticToken:
    """A token that somebody made for us."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str | None:
        return self._token

    def invalidate(self, token: str) -> bool:
        return token != self._token
