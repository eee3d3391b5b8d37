"""Both neighbours of the sync-worker: a primary that serves legacy documents, and GitHub."""

import contextlib
import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from registry.sources import SEED_FILES
from service_kit.telemetry import Telemetry
from support.fake_github import sample_files
from support.github_world import TOKEN, GithubWorld, SleepingClock, github_world
from sync_worker.command import run_once
from sync_worker.domain.drift import TEXT_CATEGORY
from sync_worker.github.timing import GithubTiming
from sync_worker.opening import Mode, Opened, Patience, open_runs
from sync_worker.primary import PrimaryTiming
from sync_worker.reports import RunReport
from sync_worker.settings import SyncWorkerSettings

IMAGE_REPO = "Haidra-Org/AI-Horde-image-model-reference"
TEXT_REPO = "Haidra-Org/AI-Horde-text-model-reference"
ROOT = "/api/model_references/v1/"
HURRIED = PrimaryTiming(request_seconds=5.0, first_pause_seconds=0.001, max_pause_seconds=0.001)

Documents = dict[str, dict[str, Any]]
Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


@cache
def sample_documents() -> Documents:
    """Return what a primary serves whose catalogue was seeded from the sample, by category."""
    return {
        category: json.loads(sample_files()[folder, names[-1]])
        for category, (folder, names) in SEED_FILES.items()
    }


class LegacyPrimary:
    """`pasts[n - 1]` is the catalogue at revision n; without `tells_revisions` nobody hears of that."""

    def __init__(self, documents: Documents) -> None:
        self.pasts = [copy.deepcopy(documents)]
        self.tells_revisions = True
        self.fault: Fault | None = None
        self.asked: list[str] = []
        self.url = ""

    @property
    def head(self) -> int:
        return len(self.pasts)

    @property
    def newest(self) -> Documents:
        return self.pasts[-1]

    def change(self, category: str, name: str, **members: Any) -> None:
        """Make a revision in which these members of a record are set; of a text model in all its records."""
        documents = copy.deepcopy(self.newest)
        for key in self._keys(category, name):
            documents[category].setdefault(key, {"name": key}).update(members)
        self.pasts.append(documents)

    def remove(self, category: str, *names: str) -> None:
        """Make a revision without these models."""
        documents = copy.deepcopy(self.newest)
        for name in names:
            for key in self._keys(category, name):
                del documents[category][key]
        self.pasts.append(documents)

    def revert(self, revision: int = 1) -> None:
        """Make a revision that has what a former one had."""
        self.pasts.append(copy.deepcopy(self.pasts[revision - 1]))

    def _keys(self, category: str, name: str) -> list[str]:
        if category != TEXT_CATEGORY:
            return [name]
        return [name, f"aphrodite/{name}", f"koboldcpp/{name.partition('/')[2] or name}"]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(str(request.rel_url))
        if self.fault is not None and (answer := await self.fault(request)) is not None:
            return answer
        category = request.match_info["category"]
        least, asked = request.headers.get("X-Min-Revision"), request.query.get("revision")
        if least is not None and int(least) > self.head:
            return web.json_response({"detail": "not yet"}, status=503)
        revision = self.head if asked is None else int(asked)
        documents = self.pasts[revision - 1]
        headers = {"X-Revision": str(revision)} if self.tells_revisions else {}
        if category not in documents:
            return web.json_response({"detail": "no such category"}, status=404, headers=headers)
        return web.Response(
            body=json.dumps(documents[category]), content_type="application/json", headers=headers
        )


@dataclass
class SyncWorld:
    """The two, and what the sync-worker makes of them."""

    github: GithubWorld
    primary: LegacyPrimary
    clock: SleepingClock = field(default_factory=SleepingClock)

    @property
    def image(self) -> Any:
        """The repository of image models as the stand-in for GitHub has it."""
        return self.github.fake.repo(IMAGE_REPO)

    @property
    def text(self) -> Any:
        return self.github.fake.repo(TEXT_REPO)

    def variables(self, **changes: object) -> dict[str, Any]:
        """Return the environment of a worker, without the prefix where all have the same one."""
        return {
            "HORDE_GITHUB_SYNC_PRIMARY_API_URL": self.primary.url,
            "HORDE_GITHUB_SYNC_GITHUB_API_URL": self.github.url,
            "HORDE_GITHUB_SYNC_GITHUB_TOKEN": TOKEN,
            **{f"HORDE_GITHUB_SYNC_{name}": value for name, value in changes.items()},
        }

    def settings(self, **changes: object) -> SyncWorkerSettings:
        """Return the settings of a worker; `changes` are variables without HORDE_GITHUB_SYNC_."""
        return SyncWorkerSettings.model_validate(self.variables(**changes))

    def patience(self, github: GithubTiming | None = None) -> Patience:
        """Return the patience of a worker that does not really wait."""
        return Patience(HURRIED, github or self.clock.timing(waits=1))

    @contextlib.asynccontextmanager
    async def runs(self, mode: Mode | None = None, **changes: object) -> AsyncIterator[Opened]:
        """Yield the runs of a worker of its own."""
        settings = self.settings(**changes)
        async with open_runs(settings, mode or Mode(), Telemetry("test"), self.patience()) as opened:
            yield opened

    async def sync(self, mode: Mode | None = None, **changes: object) -> list[RunReport]:
        """Run once with a worker of its own; return what came of the image and of the text repository."""
        return await run_once(self.settings(**changes), mode or Mode(), patience=self.patience())

    async def sync_images(self, mode: Mode | None = None, **changes: object) -> RunReport:
        """Do the same for some image categories alone."""
        changes = {"CATEGORIES_TO_SYNC": "blip, clip, controlnet, image_generation", **changes}
        [report] = await self.sync(mode, **changes)
        return report

    async def open_pull_of(self, login: str, branch: str) -> None:
        """Let an account open a pull request of the image repository."""
        self.github.fake.tokens[login] = type(self.github.fake.tokens[TOKEN])(login, login)
        url = f"{self.github.url}repos/{IMAGE_REPO}/pulls"
        body = {"title": "t", "head": branch, "base": "main"}
        headers = {"Authorization": f"Bearer {login}"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=body, headers=headers) as answer,
        ):
            assert answer.status == 201

    def open_pulls(self, repository: Any = None) -> list[Any]:
        """Return the open pull requests as the stand-in has them."""
        pulls = (repository or self.image).pulls.values()
        return [pull for pull in pulls if pull.state == "open"]

    def branches(self, repository: Any = None) -> list[str]:
        """Return the branches besides the base."""
        refs = (repository or self.image).refs
        return sorted(ref.removeprefix("refs/heads/") for ref in refs if ref != "refs/heads/main")

    def files(self, branch: str = "main", repository: Any = None) -> dict[str, bytes]:
        files: dict[str, bytes] = (repository or self.image).files(branch)
        return files


@contextlib.asynccontextmanager
async def sync_world() -> AsyncIterator[SyncWorld]:
    """Serve both neighbours, with the sample catalogue."""
    primary = LegacyPrimary(sample_documents())
    application = web.Application()
    application.router.add_get(ROOT + "{category}", primary.handle)
    async with github_world() as github, TestServer(application) as server:
        for full_name, folder in ((IMAGE_REPO, "image"), (TEXT_REPO, "text")):
            files = {name: body for (place, name), body in sample_files().items() if place == folder}
            github.fake.create_repo(full_name, files | {"README.md": b"# about\n"})
        primary.url = str(server.make_url("/api"))
        yield SyncWorld(github, primary)
