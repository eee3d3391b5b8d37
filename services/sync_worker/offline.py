"""Writes what a pull request would change into a folder instead (sync.md section 5)."""

import asyncio
from pathlib import Path
from typing import Final

from sync_worker.domain.repository_plan import RepositoryPlan
from sync_worker.domain.unified_diff import unified_diff
from sync_worker.github.git_objects import Base
from sync_worker.pull_keeper import Kept
from sync_worker.reports import Result
from sync_worker.targets import Target

DIFF_NAME: Final = "changes.diff"


class OfflineFolder:
    """A folder with a folder for each repository, `image` and `text`."""

    def __init__(self, root: Path, target: Target) -> None:
        self.folder = root / target.source.value

    async def render(self, _base: Base, plan: RepositoryPlan) -> Kept:
        """Write the changed files and one diff of them, empty when nothing differs. Raises `OSError`."""
        await asyncio.to_thread(self._render, plan)
        return Kept(Result.rendered)

    def _render(self, plan: RepositoryPlan) -> None:
        files = plan.files
        self.folder.mkdir(parents=True, exist_ok=True)
        for path, body in files.items():
            (self.folder / path).write_bytes(body)
        (self.folder / DIFF_NAME).write_bytes(unified_diff(plan.present, files))
