"""The distributed system with everything that has metrics, and a Prometheus that watches it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import yaml

from stack.child import Child, Recipe, StackFailed
from stack.neighbours import require_programs
from stack.running import Plan, Stack, running_stack
from support.github_world import TOKEN
from support.monitoring_files import PROMETHEUS, RULE_FILES, read_yaml
from support.nodes import free_ports
from support.processes import clean_environment
from support.promtool import tool
from support.servers import missing
from support.synced_services import (
    EDITING,
    NOBODY,
    QUICK,
    SyncedService,
    a_world,
    github_variables,
)

JOBS = ("read-api", "write-queue", "stats", "sync-worker")


@dataclass(frozen=True, slots=True)
class ObservedStack:
    """The stack, and who edits through it."""

    stack: Stack
    synced: SyncedService

    def instances(self, job: str) -> list[Child]:
        """Return the processes of a kind."""
        return [child for child in self.stack.services if child.kind == job]

    def lines(self, child: Child) -> list[dict[str, Any]]:
        """Return what a process has logged so far."""
        texts = child.recipe.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(text) for text in texts if text.startswith("{")]

    async def metrics(self, child: Child) -> str:
        async with self.synced.session.get(f"{child.url}/metrics") as answer:
            assert answer.status == 200
            return await answer.text()


@contextlib.asynccontextmanager
async def observed_stack() -> AsyncIterator[ObservedStack]:
    """Run one of each service and two readers, seeded from the stand-in for GitHub, which is kept in step.

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
        plan = Plan(
            write=1, read=2, stats=1, sync=1, settings=EDITING, environment=clean_environment(variables)
        )
        async with running_stack(plan) as stack:
            synced = SyncedService(github, session, stack.root_url, [child.url for child in stack.syncs])
            await synced.until_compared(1)
            yield ObservedStack(stack, synced)


class Prometheus:
    """A running Prometheus."""

    def __init__(self, child: Child, session: aiohttp.ClientSession) -> None:
        self._child = child
        self._session = session

    async def query(self, query: str) -> list[tuple[Mapping[str, str], float]]:
        """Return labels and value of each series that the query finds now."""
        found = (await self.api(f"query?{urlencode({'query': query})}"))["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]

    async def api(self, path: str) -> Any:
        """Return the data of an answer of its API."""
        async with self._session.get(f"{self._child.url}/api/v1/{path}") as answer:
            body = await answer.json()
            assert body["status"] == "success", body
            return body["data"]


def configuration(targets: Mapping[str, Sequence[str]]) -> str:
    """Return our configuration, quicker, with known targets instead of those that names stand for."""
    plain = read_yaml(PROMETHEUS / "prometheus.yml")
    plain["global"] = {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"}
    plain["rule_files"] = [str(path) for path in RULE_FILES]
    del plain["alerting"]
    plain["scrape_configs"] = [job for job in plain["scrape_configs"] if job["job_name"] in targets]
    for job in plain["scrape_configs"]:
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": list(targets[job["job_name"]])}]
    return yaml.safe_dump(plain)


@contextlib.asynccontextmanager
async def running_prometheus(
    folder: Path, targets: Mapping[str, Sequence[str]], session: aiohttp.ClientSession
) -> AsyncIterator[Prometheus]:
    """Run Prometheus with our rules on these targets. Skips the test where it is missing."""
    program, (port,) = tool("prometheus"), free_ports(1)
    await asyncio.to_thread((folder / "prometheus.yml").write_text, configuration(targets))
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    recipe = Recipe(
        "prometheus",
        "prometheus",
        port,
        command,
        clean_environment({}),
        folder / "prometheus.log",
        "/-/ready",
    )
    child = Child(recipe)
    await child.start()
    try:
        yield Prometheus(child, session)
    finally:
        await child.stop()
