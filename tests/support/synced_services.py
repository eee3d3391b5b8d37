"""Editors at the service over HTTP, and what comes of their work on GitHub."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp.test_utils import TestServer

from stack.child import StackFailed
from stack.neighbours import require_programs
from stack.running import Plan, Stack, running_stack
from support.app_keys import app_key_pair
from support.github_world import TOKEN, GithubWorld, github_world
from support.processes import ServiceProcess, clean_environment, free_port, service
from support.servers import missing
from support.some_horde import APPROVER, REQUESTOR, SomeHorde
from support.sync_world import IMAGE_REPO, TEXT_REPO

REFERENCES = "/api/model_references"
QUEUE = f"{REFERENCES}/v2/pending_queue"
PATIENCE_SECONDS = 40.0
POLL_SECONDS = 0.05
EDITING = {
    "PENDING_QUEUE__REQUESTOR_IDS": "101",
    "PENDING_QUEUE__APPROVER_IDS": "202",
    "ACCESS_LOG": "false",
    "DRAIN_SECONDS": "1",
    "GITHUB_SEED_ENABLED": "true",
}
QUICK = {
    "HORDE_GITHUB_SYNC_QUIET_SECONDS": "0.2",
    "HORDE_GITHUB_SYNC_MAX_QUIET_SECONDS": "2",
    "HORDE_GITHUB_SYNC_FIRST_RETRY_SECONDS": "0.5",
    "HORDE_GITHUB_SYNC_MAX_RETRY_SECONDS": "1",
}
NOBODY = dict.fromkeys(
    ("GITHUB_TOKEN", "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "HORDE_GITHUB_SYNC_GITHUB_TOKEN"), ""
)
REPOSITORIES = {"image": IMAGE_REPO, "text": TEXT_REPO}


@dataclass(frozen=True, slots=True)
class Edit:
    """One proposal: a record that is created or replaced, or removed without a `record`."""

    category: str
    name: str
    record: Mapping[str, Any] | None
    is_new: bool = False


class SyncedService:
    """The service at `root_url`, and GitHub. `workers` are the roots of whatever tells about the runs."""

    def __init__(
        self, github: GithubWorld, session: aiohttp.ClientSession, root_url: str, workers: Sequence[str]
    ) -> None:
        self.github = github
        self.session = session
        self.root_url = root_url
        self.workers = workers

    @property
    def repositories(self) -> dict[str, Any]:
        """The repositories as the stand-in has them: `image` and `text`."""
        return {source: self.github.fake.repo(name) for source, name in REPOSITORIES.items()}

    def open_pulls(self, source: str) -> list[Any]:
        return [pull for pull in self.repositories[source].pulls.values() if pull.state == "open"]

    def branches(self, source: str) -> list[str]:
        """Return the branches besides the base."""
        return sorted(ref for ref in self.repositories[source].refs if ref != "refs/heads/main")

    def changed_files(self, source: str, pull: Any) -> dict[str, tuple[bytes, bytes]]:
        """Return the files in which a pull request differs from its base, before and after."""
        repository = self.repositories[source]
        before, after = repository.files("main"), repository.files(pull.head)
        assert before.keys() == after.keys()
        return {path: (before[path], after[path]) for path in before if before[path] != after[path]}

    def merge(self) -> None:
        """Merge every open pull request of both repositories, as a maintainer would."""
        for source, repository in self.repositories.items():
            for pull in self.open_pulls(source):
                repository.merge(pull, "squash")

    async def record(self, category: str, name: str) -> dict[str, Any]:
        """Return a record in the v2 format."""
        path = f"{REFERENCES}/v2/{category}/model/{quote(name, safe='')}"
        async with self.session.get(self.root_url + path) as answer:
            assert answer.status == 200, await answer.text()
            record: dict[str, Any] = await answer.json()
            return record

    async def change(self, category: str, name: str, **members: Any) -> int:
        """Have a record with other members; return the revision."""
        return await self.make_live(Edit(category, name, {**await self.record(category, name), **members}))

    async def make_live(self, *edits: Edit) -> int:
        """Propose, approve and apply, all in one revision; return its number."""
        ids = [await self._propose(edit) for edit in edits]
        batch = {"batch_title": "of a test", "approved_ids": ids}
        await self._send("POST", f"{QUEUE}/batches", APPROVER, batch)
        headers = await self._send("POST", f"{QUEUE}/apply", APPROVER, {"change_ids": ids})
        return int(headers["X-Revision"])

    async def _propose(self, edit: Edit) -> int:
        path = f"{REFERENCES}/v2/{edit.category}"
        if not edit.is_new:
            path += f"/model/{quote(edit.name, safe='')}"
        method = "POST" if edit.is_new else "PUT" if edit.record is not None else "DELETE"
        body = None if edit.record is None else {**edit.record, "name": edit.name}
        async with self.session.request(
            method, self.root_url + path, json=body, headers={"apikey": REQUESTOR}
        ) as answer:
            assert answer.status == 202, await answer.text()
            return int((await answer.json())["change_id"])

    async def _send(self, method: str, path: str, key: str, body: object) -> Mapping[str, str]:
        headers = {"apikey": key}
        async with self.session.request(method, self.root_url + path, json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return answer.headers

    async def told(self) -> list[Any]:
        """Return what each worker says about the repositories in its health body."""
        return [_of_sync(json.loads(await self._text(f"{root}/ready"))) for root in self.workers]

    async def metrics(self) -> list[str]:
        """Return the lines of all workers' metrics."""
        texts = [await self._text(f"{root}/metrics") for root in self.workers]
        return "\n".join(texts).splitlines()

    async def _text(self, url: str) -> str:
        try:
            async with self.session.get(url) as answer:
                return await answer.text()
        except aiohttp.ClientError:
            return "{}"  # it was killed

    async def until_told(self, is_so: Callable[[Mapping[str, Any]], bool], *sources: str) -> None:
        """Wait until some worker says so about the last run of each repository."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            told = await self.told()
            runs = {
                source: [run for one in told if (run := one.get(source, {}).get("last_run"))]
                for source in sources or REPOSITORIES
            }
            if all(any(is_so(run) for run in of_source) for of_source in runs.values()):
                return
            assert time.monotonic() < deadline, json.dumps(told, indent=1)
            await asyncio.sleep(POLL_SECONDS)

    async def until_compared(self, revision: int, *sources: str) -> None:
        """Wait until a run succeeded that carried this revision, or a later one, over."""

        def is_so(run: Mapping[str, Any]) -> bool:
            return not run["failures"] and run["revision"] >= revision

        await self.until_told(is_so, *sources)


def _of_sync(body: Mapping[str, Any]) -> Any:
    return body.get("sync", body).get("repositories", {})


def credentials_of_app() -> dict[str, str]:
    """Return the variables of a GitHub App, with its key on one line, and without where it is installed."""
    return {"GITHUB_APP_ID": "1234567", "GITHUB_APP_PRIVATE_KEY": app_key_pair()[0].replace("\n", "\\n")}


def github_variables(github: GithubWorld) -> dict[str, str]:
    """Return where GitHub is."""
    url = github.url.rstrip("/")
    return {"HORDE_GITHUB_SYNC_GITHUB_API_URL": url, "HORDE_GITHUB_SYNC_GITHUB_RAW_URL": url}


@contextlib.asynccontextmanager
async def a_world() -> AsyncIterator[tuple[GithubWorld, str, aiohttp.ClientSession]]:
    """Serve GitHub with the real data, and an AI-Horde that knows the editors."""
    timeout = aiohttp.ClientTimeout(total=30)
    async with (
        github_world(with_real_data=True, app_public_key=app_key_pair()[1]) as github,
        TestServer(SomeHorde().application) as horde,
        aiohttp.ClientSession(timeout=timeout) as session,
    ):
        yield github, str(horde.make_url("/api/")), session


@contextlib.asynccontextmanager
async def synced_standalone(
    folder: Path, **settings: str
) -> AsyncIterator[tuple[SyncedService, ServiceProcess]]:
    """Run the whole service in one process, seeded from GitHub, which keeps it in step as a GitHub App."""
    port = free_port()
    async with a_world() as (github, horde_url, session):
        variables = {
            **NOBODY,
            **QUICK,
            **github_variables(github),
            **credentials_of_app(),
            "HORDE_GITHUB_SYNC_WATCH_MODE": "true",
            "HORDE_GITHUB_SYNC_PRIMARY_API_URL": f"http://127.0.0.1:{port}/api",
            "AI_HORDE_URL": horde_url,
        }
        given = {**EDITING, "DATA_DIR": str(folder), **settings}
        async with service("serve", given, port=port, variables=variables) as process:
            await process.wait_until("/ready", 200)
            synced = SyncedService(github, session, process.root_url, [process.root_url])
            await synced.until_compared(1)
            yield synced, process


@contextlib.asynccontextmanager
async def synced_stack(*, workers: int) -> AsyncIterator[tuple[SyncedService, Stack]]:
    """Run the distributed system, seeded from GitHub, whose workers keep it in step with a token.

    Skips the test where a program is missing.
    """
    try:
        require_programs()
    except StackFailed as error:
        missing(str(error))
    async with a_world() as (github, horde_url, session):
        variables = {
            **NOBODY,
            **QUICK,
            **github_variables(github),
            "HORDE_GITHUB_SYNC_GITHUB_TOKEN": TOKEN,
            "AI_HORDE_URL": horde_url,
        }
        plan = Plan(write=1, read=1, sync=workers, settings=EDITING, environment=clean_environment(variables))
        async with running_stack(plan) as stack:
            synced = SyncedService(github, session, stack.root_url, [child.url for child in stack.syncs])
            await synced.until_compared(1)
            yield synced, stack
