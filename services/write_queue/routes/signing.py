"""The public half of the key that entries are signed with (architecture section 8)."""

from collections.abc import Iterator
from typing import Final

from aiohttp import web

from registry.entry_signature import PublicKey
from service_kit.endpoints import Endpoint
from service_kit.errors import NotFound
from service_kit.problem_models import Problem
from write_queue.answers import value_answer
from write_queue.write_side import WriteSide

TAG: Final = "v2: history"


class SigningKey:
    """Serves the key. It is open: everybody may check signatures."""

    def __init__(self, side: WriteSide) -> None:
        self._side = side

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the endpoint."""
        yield Endpoint(
            "/model_references/v2/signing_key",
            self.key,
            "The key that signatures of the journal can be checked with",
            TAG,
            {200: PublicKey, 404: Problem},
        )

    async def key(self, _request: web.Request) -> web.Response:
        """Serve it."""
        if self._side.public_key is None:
            raise NotFound("entries are not signed here")
        return value_answer(self._side.public_key.model_dump())
