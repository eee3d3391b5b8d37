"""Legacy files of several categories, fetched from GitHub at the same time."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from horde_model_reference.github_sources import GithubPlan
from horde_model_reference.replica.errors import SourceFailed
from horde_model_reference.replica.github_client import GithubClient
from horde_model_reference.replica.loop_thread import shared_loop_thread

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GithubPlace:
    """Where the files are."""

    plan: GithubPlan

    def fetch(self, categories: Iterable[str]) -> dict[str, bytes | None]:
        """Return the files by category, None for one that could not be had or used, which is logged."""
        wanted = tuple(categories)
        return shared_loop_thread().run(lambda: self._fetch(wanted))

    async def fetch_async(self, categories: Iterable[str]) -> dict[str, bytes | None]:
        """Do the same as `fetch`, without blocking the loop."""
        wanted = tuple(categories)
        return await shared_loop_thread().call(lambda: self._fetch(wanted))

    async def _fetch(self, categories: tuple[str, ...]) -> dict[str, bytes | None]:
        client = GithubClient(self.plan)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {category: group.create_task(_file_of(client, category)) for category in categories}
        finally:
            await client.close()
        return {category: task.result() for category, task in tasks.items()}


async def _file_of(client: GithubClient, category: str) -> bytes | None:
    try:
        found = await client.document(category)
    except SourceFailed as error:
        log.warning("the legacy file of %s could not be had: %s", category, error)
        return None
    return None if found is None else found.legacy
