"""The whole system on this machine: starts it, keeps hold of every process, ends it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service_kit.settings import ENV_PREFIX
from stack.child import Child, Recipe, StackFailed
from stack.gateway import MAX_BODY_BYTES, GatewayPlan, gateway_recipe, short_folder
from stack.neighbours import Neighbours, require_programs, running_neighbours
from support.nodes import free_ports
from support.processes import CONSOLE_SCRIPT, clean_environment

SEED_SECONDS = 180.0
SYNC_WORKER = "sync-worker"
SYNC_PREFIX = "HORDE_GITHUB_SYNC_"
CREDENTIALS = (f"{SYNC_PREFIX}GITHUB_TOKEN", "GITHUB_TOKEN", "GITHUB_APP_ID")
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is started. `settings` are given without their common prefix.

    `environment` is what all processes inherit; by default that of this process without our settings.
    `commands` replaces how a kind of service (`write-queue`, `read-api`, `stats`, `sync-worker`) is
    started, `more_environment` adds variables for the service of a name. With a `folder` the data stay there
    afterwards. `restart_dead` starts a service again that died by itself.
    """

    write: int = 3
    read: int = 2
    stats: int = 0
    sync: int = 0
    port: int = 0
    host: str = "127.0.0.1"
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] | None = None
    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    more_environment: Callable[[str], Mapping[str, str]] = lambda _: {}
    folder: Path | None = None
    through_proxies: bool = False
    restart_dead: bool = False


@dataclass(slots=True)
class Stack:
    """The running system."""

    folder: Path
    neighbours: Neighbours
    environment: Mapping[str, str]
    writes: list[Child]
    reads: list[Child]
    stats: list[Child]
    syncs: list[Child]
    gateway: Child
    deaths: list[tuple[str, int]] = field(default_factory=list)

    @property
    def root_url(self) -> str:
        return self.gateway.url

    @property
    def base_url(self) -> str:
        """The API through the gateway."""
        return f"{self.gateway.url}/api"

    @property
    def services(self) -> list[Child]:
        return [*self.writes, *self.reads, *self.stats, *self.syncs]

    @property
    def children(self) -> list[Child]:
        return [*self.services, self.gateway]

    def describe(self) -> dict[str, Any]:
        """Return what a program needs to know about the stack, as a JSON object."""
        processes = [
            {"name": child.name, "kind": child.kind, "pid": child.pid, "port": child.port}
            for child in self.children
        ]
        for name, port in self.neighbours.ports.items():
            process = self.neighbours.node(name).process
            pid = process.pid if process else 0
            processes.append({"name": name, "kind": "neighbour", "pid": pid, "port": port})
        return {"base_url": self.base_url, "folder": str(self.folder), "processes": processes}

    async def run(self, *words: str) -> tuple[int, str, str]:
        """Run `horde-reference WORDS...` on the stack's journal; return status and both outputs."""
        return await run_console(self.environment, *words)


async def run_console(environment: Mapping[str, str], *words: str) -> tuple[int, str, str]:
    """Run a command of the console script to its end."""
    process = await asyncio.create_subprocess_exec(
        CONSOLE_SCRIPT,
        *words,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SEED_SECONDS):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(errors="replace"), err.decode(errors="replace")


@contextlib.asynccontextmanager
async def running_stack(plan: Plan, *, report: Report = lambda _: None) -> AsyncIterator[Stack]:
    """Start everything, yield it, and end all of it. Raises `StackFailed`, `NodeFailed`."""
    require_programs()
    async with contextlib.AsyncExitStack() as exits:
        folder = exits.enter_context(stack_folder(plan.folder))
        report("starting RabbitMQ, Redis and SeaweedFS")
        neighbours = await exits.enter_async_context(
            running_neighbours(folder, through_proxies=plan.through_proxies)
        )
        named = {**plan.settings, **neighbours.settings(), "HOST": "127.0.0.1", "TRUSTED_PROXIES": "1"}
        inherited = clean_environment({}) if plan.environment is None else plan.environment
        environment = {**inherited, **{f"{ENV_PREFIX}{name}": value for name, value in named.items()}}
        await _seed({**environment, **_direct(neighbours)}, report)
        stack = _assemble(plan, folder, neighbours, environment)
        exits.push_async_callback(_end, stack)
        report("starting the services")
        _watch(stack, plan, report)
        await _start(stack)
        yield stack


def _direct(neighbours: Neighbours) -> dict[str, str]:
    return {f"{ENV_PREFIX}{name}": value for name, value in neighbours.settings(direct=True).items()}


async def _seed(environment: Mapping[str, str], report: Report) -> None:
    report("filling the journal if it is empty")
    status, out, err = await run_console(environment, "seed", "--from", "auto")
    if status:
        raise StackFailed(f"seeding failed: {err.strip() or out.strip()}")
    report(out.strip().splitlines()[-1] if out.strip() else "")


def _assemble(plan: Plan, folder: Path, neighbours: Neighbours, environment: Mapping[str, str]) -> Stack:
    ports = free_ports(plan.write + plan.read + plan.stats + plan.sync + 1)
    gateway_port = plan.port or ports.pop()

    def service(kind: str, number: int) -> Child:
        port = ports.pop()
        name = f"{kind}-{number}"
        command = plan.commands.get(kind, (str(CONSOLE_SCRIPT), kind))
        own = {**environment, **plan.more_environment(name), f"{ENV_PREFIX}PORT": str(port)}
        health = "/ready"
        if kind == SYNC_WORKER:
            own = {**sync_defaults(environment, gateway_port), **own}
            health = "/live"  # it is ready when it has compared with GitHub, which may be away
        return Child(Recipe(name, kind, port, command, own, folder / f"{name}.log", health))

    writes = [service("write-queue", number + 1) for number in range(plan.write)]
    reads = [service("read-api", number + 1) for number in range(plan.read)]
    stats = [service("stats", number + 1) for number in range(plan.stats)]
    syncs = [service(SYNC_WORKER, number + 1) for number in range(plan.sync)]
    gateway = GatewayPlan(
        port=gateway_port,
        host=plan.host,
        read_ports=[child.port for child in reads],
        write_ports=[child.port for child in writes],
        stats_ports=[child.port for child in stats],
        max_body_bytes=int(environment.get(f"{ENV_PREFIX}MAX_BODY_BYTES") or MAX_BODY_BYTES),
    )
    home = folder / "gateway"
    home.mkdir(exist_ok=True)
    nginx = Child(gateway_recipe(home, gateway))
    return Stack(folder, neighbours, environment, writes, reads, stats, syncs, nginx)


def sync_defaults(environment: Mapping[str, str], gateway_port: int) -> dict[str, str]:
    """Return what a sync-worker is told besides; without credentials it only compares."""
    told = {f"{SYNC_PREFIX}PRIMARY_API_URL": f"http://127.0.0.1:{gateway_port}/api"}
    if not any(environment.get(name) for name in CREDENTIALS):
        told[f"{SYNC_PREFIX}DRY_RUN"] = "true"
    return told


async def _start(stack: Stack) -> None:
    async with asyncio.TaskGroup() as group:
        for child in stack.children:
            group.create_task(child.start())


def _watch(stack: Stack, plan: Plan, report: Report) -> None:
    async def on_death(child: Child, status: int) -> None:
        stack.deaths.append((child.name, status))
        report(f"{child.name} (pid {child.pid}) ended by itself with status {status}:\n{child.tail()}")
        if plan.restart_dead:
            with contextlib.suppress(StackFailed):
                await child.start()
                report(f"{child.name} runs again as pid {child.pid}")

    for child in stack.children:
        child.on_death = on_death


async def _end(stack: Stack) -> None:
    await stack.gateway.stop()
    await asyncio.gather(*(child.stop() for child in stack.services))


@contextlib.contextmanager
def stack_folder(wanted: Path | None = None) -> Iterator[Path]:
    """Yield the wanted directory, or a new one that is removed afterwards."""
    if wanted is not None:
        wanted.mkdir(parents=True, exist_ok=True)
        yield wanted.resolve()
        return
    with short_folder("horde-stack-") as folder:
        yield folder
