"""Answers about former revisions: held within a bound, and made by a few at a time."""

from collections.abc import Awaitable, Callable, Hashable

from read_api.admission import Admission
from service_kit.answer_cache import document_bytes
from service_kit.documents import Document
from service_kit.loading_cache import LoadingCache


class FormerAnswers:
    """What was asked for recently. `admission` is also for what is made without being held."""

    def __init__(self, max_bytes: int) -> None:
        self.held: LoadingCache[Hashable, Document] = LoadingCache(max_bytes, document_bytes)
        self.admission = Admission()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Document]]) -> Document:
        """Return what answers a request; if it is not held, the client waits for its turn to have it made.

        Raises what `make` raises, `Busy`.
        """
        held = self.held.find(key)
        if held is not None:
            return held
        async with self.admission:
            return await self.held.get(key, make)

    async def close(self) -> None:
        """Make nothing any more."""
        await self.held.close()
