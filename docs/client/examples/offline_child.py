"""Loads everything once; child processes read it from the disk and ask nobody."""

import multiprocessing
import sys

from horde_model_reference import ModelReferenceManager, PrefetchStrategy


def child(name: str) -> None:
    """Read in another process. A file that the parent rewrites is noticed at the next read."""
    manager = ModelReferenceManager(offline=True, prefetch_strategy=PrefetchStrategy.NONE)
    record = manager.get_model("image_generation", name)
    print(f"{record.name}: {record.primary_download_url}", flush=True)


def main() -> int:
    """Load, and start a child; return how it ended."""
    ModelReferenceManager().ensure_ready()  # in memory, and on the disk
    process = multiprocessing.get_context("spawn").Process(target=child, args=("Deliberate",))
    process.start()
    process.join()
    return process.exitcode or 0


if __name__ == "__main__":
    sys.exit(main())
