"""Starts as a worker does: loads everything in a short event loop, then reads in threads without one."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from horde_model_reference import ModelReferenceManager, PrefetchStrategy


async def start() -> None:
    """Load everything; other tasks of this loop go on meanwhile."""
    manager = ModelReferenceManager(prefetch_strategy=PrefetchStrategy.DEFERRED)
    handle = manager.deferred_prefetch_handle
    if handle is not None:
        await handle
    clips = await manager.get_model_reference_async("clip")
    print(f"warm: {manager.is_warm}, {len(clips)} clip models")


def baseline_of(name: str) -> str:
    """Look a model up; any thread may do this."""
    record = ModelReferenceManager.get_instance().query("image_generation").where(name=name).first()
    return "unknown" if record is None else record.baseline


def main() -> None:
    """Start, and do a little work."""
    asyncio.run(start())  # this loop is gone afterwards, the manager is not
    names = ["Deliberate", "AlbedoBase XL (SDXL)", "no such model"]
    with ThreadPoolExecutor() as threads:
        for name, baseline in zip(names, threads.map(baseline_of, names), strict=True):
            print(f"{name}: {baseline}")


if __name__ == "__main__":
    main()
