"""How soon the services are ready on a long journal, in S3 and in a directory, and their memory."""

import asyncio
import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import aiohttp

from bench.children import resident_megabytes
from bench.figures import Figure
from bench.filled_journal import open_store, remove_checkpoints, write_directory
from bench.write_stack import Scene, children_named
from service_kit.settings import ENV_PREFIX
from stack.child import Child
from support.nodes import free_ports

TARGET_SECONDS = 3.0
READY_SECONDS = 60.0
POLL_SECONDS = 0.01
ANSWER_SECONDS = 5.0
KINDS = ("write-queue", "read-api")
STORES = ("S3__", "AMQP__", "REDIS__")


def memory_figures(scene: Scene) -> list[Figure]:
    """Return the resident memory of each kind of service."""
    figures = []
    for kind in KINDS:
        taken = [resident_megabytes(child.pid) for child in children_named(scene.stack, kind)]
        peaks = [resident_megabytes(child.pid, peak=True) for child in children_named(scene.stack, kind)]
        note = f"largest of {len(taken)}, its peak {max(peaks):.0f}"
        figures.append(Figure(f"{kind}: memory with {scene.changes:,} changes", max(taken), "MB", note=note))
    return figures


async def measure(scene: Scene, work_dir: Path, *, starts: int) -> list[Figure]:
    """Return the seconds from the start of a process to its readiness; nothing else runs meanwhile."""
    services = {kind: children_named(scene.stack, kind)[0] for kind in KINDS}
    for child in scene.stack.services:
        await child.stop()
    figures = await _each_alone(services, "S3", starts)
    async with open_store(scene.stack.neighbours.settings()) as store:
        await remove_checkpoints(store)
    figures += await _both_without_checkpoints(services, "S3")
    folder = work_dir / "journal"
    await asyncio.to_thread(write_directory, folder, scene.objects)
    on_disk = {kind: _on_directory(child, folder) for kind, child in services.items()}
    figures += await _each_alone(on_disk, "a directory", starts)
    for checkpoint in (folder / "checkpoints").iterdir():
        checkpoint.unlink()
    figures += await _both_without_checkpoints(on_disk, "a directory")
    return figures


async def _each_alone(services: Mapping[str, Child], where: str, starts: int) -> list[Figure]:
    figures = []
    for kind, child in services.items():
        taken = [await _start_seconds(child) for _ in range(starts)]
        note = f"median of {starts}, {min(taken):.2f} to {max(taken):.2f}; checkpoints as they were left"
        name = f"{kind}: start on a long journal in {where}"
        figures.append(Figure(name, statistics.median(taken), "s", TARGET_SECONDS, note=note))
    return figures


async def _both_without_checkpoints(services: Mapping[str, Child], where: str) -> list[Figure]:
    taken = await asyncio.gather(*(_start_seconds(child) for child in services.values()))
    return [
        Figure(f"{kind}: start in {where} without any checkpoint", seconds, "s", note="both at the same time")
        for kind, seconds in zip(services, taken, strict=True)
    ]


async def _start_seconds(child: Child) -> float:
    started = time.perf_counter()
    await child.launch()
    try:
        await _wait_ready(child)
        return time.perf_counter() - started
    finally:
        await child.kill()


async def _wait_ready(child: Child) -> None:
    url = child.url + child.recipe.health_path
    deadline = time.perf_counter() + READY_SECONDS
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS)) as session:
        while True:
            if time.perf_counter() > deadline:
                raise RuntimeError(f"{child.name} was not ready after {READY_SECONDS:g} s\n{child.tail()}")
            if not child.alive:
                raise RuntimeError(f"{child.name} ended while it started\n{child.tail()}")
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(POLL_SECONDS)


def _on_directory(child: Child, folder: Path) -> Child:
    """Return the same service on a directory, without neighbours."""
    recipe = child.recipe
    port = free_ports(1)[0]
    kept = {name: value for name, value in recipe.environment.items() if not _is_neighbour(name)}
    own = {f"{ENV_PREFIX}DATA_DIR": str(folder), f"{ENV_PREFIX}PORT": str(port)}
    return Child(replace(recipe, port=port, environment={**kept, **own}))


def _is_neighbour(name: str) -> bool:
    return name.removeprefix(ENV_PREFIX).startswith(STORES)
