"""An editor who always changes two records together, and counts up in both."""

import asyncio
import time
from collections.abc import Mapping

from chaos.client_plan import Sides
from chaos.queue_client import QueueClient

FIRST_TRIES = 50


class PairEditor:
    """Writes the same number into both descriptions, in one apply. `live`: the last that was accepted."""

    def __init__(self, client: QueueClient, pairs: Mapping[str, Sides]) -> None:
        self._client = client
        self._pairs = pairs
        self._next = dict.fromkeys(pairs, 0)
        self.live: dict[str, int] = {}
        self.live_at: dict[tuple[str, int], float] = {}  # on the monotonic clock, when it was accepted

    async def begin(self) -> None:
        """Make the records."""
        for pair in self._pairs:
            assert await self.edit(pair), f"{pair} could not be made"

    async def edit(self, pair: str) -> bool:
        """Count up once; return whether every step was accepted."""
        self._next[pair] += 1
        number, ids = self._next[pair], list[int]()
        for category, name in self._pairs[pair]:
            change_id = await self._client.propose(
                name, category=category, update=pair in self.live, description=f"{number}"
            )
            if change_id is None:
                return False
            ids.append(change_id)
        if not (await self._client.approve(*ids) and await self._client.apply(*ids)):
            return False
        self.live[pair] = number
        self.live_at[pair, number] = time.monotonic()
        return True

    async def go_on(self, stopping: asyncio.Event, pause_seconds: float) -> None:
        """Edit one pair after another until it is time to stop."""
        while not stopping.is_set():
            for pair in self._pairs:
                await self.edit(pair)
                await asyncio.sleep(pause_seconds)

    async def finish(self) -> dict[str, int]:
        """Edit every pair once more; return what every reader shall come to see."""
        for pair in self._pairs:
            for _ in range(FIRST_TRIES):
                if await self.edit(pair):
                    break
            else:
                raise AssertionError(f"{pair} cannot be edited any more")
        return dict(self.live)
