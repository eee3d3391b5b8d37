"""GitHub with both legacy repositories, for those who seed from it."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from registry.sources import SEED_FILES
from support.fake_github import sample_files
from support.github_world import GithubWorld, github_world

FULL_NAMES: Mapping[str, str] = {
    "image": "Haidra-Org/AI-Horde-image-model-reference",
    "text": "Haidra-Org/AI-Horde-text-model-reference",
}


class SeedGithub:
    """What seeds see of GitHub; `world` is what tests see of it."""

    def __init__(self, world: GithubWorld) -> None:
        self.world = world
        self.url = world.url.rstrip("/")

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings of a service that seeds from here, without their prefix."""
        return {"GITHUB_API_URL": self.url, "GITHUB_RAW_URL": self.url}

    def repository(self, folder: str) -> Any:
        return self.world.fake.repo(FULL_NAMES[folder])

    def commit(self, category: str, body: bytes | None, branch: str = "main") -> str:
        """Give the first file of a category another content, and return the new commit."""
        folder, names = SEED_FILES[category]
        sha: str = self.repository(folder).commit_files(branch, {names[0]: body}, "a change")
        return sha

    def head(self, folder: str) -> str:
        """Return the commit of the branch."""
        sha: str = self.repository(folder).resolve("refs/heads/main")
        return sha

    def raw_paths(self) -> list[str]:
        """Return what was asked of the raw files, below the repository: `/COMMIT/FILE`."""
        calls = self.world.calls("GET", "/raw/*")
        return [call.split("-reference/")[1] for call in calls]


@contextlib.asynccontextmanager
async def seed_github(*, with_real_data: bool = False) -> AsyncIterator[SeedGithub]:
    """Serve it, with the sample catalogue unless the real data are wanted."""
    async with github_world(with_real_data=with_real_data) as world:
        for folder, full_name in FULL_NAMES.items():
            if not with_real_data:
                files = {name: body for (place, name), body in sample_files().items() if place == folder}
                world.fake.create_repo(full_name, files)
        yield SeedGithub(world)


def a_ref(sha: str, branch: str = "main") -> bytes:
    """Return what the REST interface says of a branch."""
    return json.dumps({"ref": f"refs/heads/{branch}", "object": {"sha": sha, "type": "commit"}}).encode()
