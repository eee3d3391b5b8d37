"""The stand-in for GitHub with real git objects, served over HTTP, and clients of it."""

import asyncio
import contextlib
import fnmatch
import importlib.util
import sys
import time
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Any

from aiohttp.test_utils import TestServer

from service_kit.telemetry import Telemetry
from support.reference_data import SHARED
from sync_worker.github.client import Github, open_github
from sync_worker.github.repository import Repository
from sync_worker.github.settings import GithubSettings
from sync_worker.github.timing import GithubTiming

OWNER = "Haidra-Org"
NAME = "small"
FULL_NAME = f"{OWNER}/{NAME}"
TOKEN = "ghp_fake_token"
FILES: Mapping[str, bytes] = {
    "README.md": b"# small\n",
    "blip.json": b'{\n    "A": 1\n}\n',
    "clip.json": b'{\r\n\t"B": "\xc3\xa9"\r\n}\r\n',
    "scripts/check.py": b"pass\n",
}


class GithubWorld:
    """The stand-in as tests see it: what it holds, what it was asked, and what it does wrong."""

    def __init__(self, fake: Any, url: str) -> None:
        self.fake = fake
        self.url = url

    @property
    def small(self) -> Any:
        """The repository that holds FILES."""
        return self.fake.repo(FULL_NAME)

    def open_pulls(self, *logins: str, base: str = "main") -> None:
        """Let each of these accounts have a pull request, number 1 and so on, from a branch of its own."""
        for login in logins:
            number = self.small.next_number
            branch = f"sync/of-{number}"
            sha = self.small.commit_files(branch, {"blip.json": f"{number}\n"}, "m", start=base)
            pull = _module().Pull(number, "title", "body", branch, base, login, sha, created=float(number))
            self.small.pulls[number] = pull
            self.small.next_number += 1

    def fault(self, path: str = "*", **rule: object) -> None:
        """Have the stand-in do something wrong, once unless `count` says otherwise."""
        self.fake.faults.append(_module().FaultRule.parse({"path": path, "count": 1, **rule}))

    def calls(self, method: str = "*", path: str = "*") -> list[str]:
        """Return what was asked so far, as `METHOD path`."""
        return [
            f"{entry['method']} {entry['path']}"
            for entry in self.fake.log
            if method in {"*", entry["method"]} and fnmatch.fnmatchcase(entry["path"], path)
        ]

    def writes(self) -> list[str]:
        """Return the writes among them."""
        return [call for call in self.calls() if not call.startswith("GET ")]


class SleepingClock:
    """Time that passes only while somebody sleeps; `sleeps` are the seconds of each sleep."""

    def __init__(self) -> None:
        self.started_at = time.time()
        self.passed = 0.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.passed

    def wall(self) -> float:
        return self.started_at + self.passed

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.passed += seconds
        await asyncio.sleep(0)

    def timing(self, **changes: Any) -> GithubTiming:
        """Return the timing that goes by this clock."""
        return GithubTiming(monotonic=self.monotonic, wall=self.wall, sleep=self.sleep, **changes)


@contextlib.asynccontextmanager
async def github_world(*, with_real_data: bool = False, **options: Any) -> AsyncIterator[GithubWorld]:
    """Serve it, with the repository `small`, and with the two legacy ones if the real data are wanted."""
    application = _module().create_app(data_dir=SHARED / "data", empty=not with_real_data, **options)
    fake = application[_module().FAKE]
    fake.create_repo(FULL_NAME, dict(FILES))
    async with TestServer(application) as server:
        yield GithubWorld(fake, str(server.make_url("/")))


@contextlib.asynccontextmanager
async def github_client(
    world: GithubWorld,
    *,
    clock: SleepingClock | None = None,
    timing: GithubTiming | None = None,
    telemetry: Telemetry | None = None,
    **variables: object,
) -> AsyncIterator[Github]:
    """Yield a client with a valid token, unless `variables` of the environment say otherwise."""
    timing = timing or (clock or SleepingClock()).timing()
    who = variables or {"HORDE_GITHUB_SYNC_GITHUB_TOKEN": TOKEN}
    settings = GithubSettings.model_validate({"HORDE_GITHUB_SYNC_GITHUB_API_URL": world.url, **who})
    async with open_github(settings, telemetry or Telemetry("test"), timing=timing) as github:
        yield github


@contextlib.asynccontextmanager
async def small_repository(world: GithubWorld, **options: Any) -> AsyncIterator[Repository]:
    """Yield the repository that holds FILES, as `github_client` reaches it."""
    async with github_client(world, **options) as github:
        yield github.repository(OWNER, NAME)


@cache
def _module() -> Any:
    spec = importlib.util.spec_from_file_location("fake_github_server", SHARED / "fakes" / "fake_github.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)  # its dataclasses look for their module there
    spec.loader.exec_module(module)
    return module
