"""Figures of the AI-Horde for the history: builders, and what is stored after some hours."""

from collections.abc import Mapping
from typing import Final

from horde_model_reference.integrations.horde_figures import Usage, Worker
from horde_model_reference.integrations.horde_merge import CategoryFigures, ModelFigures, Unattributed
from service_kit.object_store import ObjectStore
from service_kit.slices import run_now
from stats.history.object_names import Hour, hour_key
from stats.history.pack import hour_steps
from stats.history.tally import HourTally

TEXT: Final = "text_generation"
IMAGE: Final = "image_generation"
DAY: Final = 1_795_219_200  # 2026-11-21, midnight
HOUR: Final = 3600
NEVER_USED: Final = Usage()


def a_worker(identity: str) -> Worker:
    return Worker(
        id=identity,
        name=identity,
        performance="",
        online=True,
        maintenance_mode=False,
        trusted=False,
        uptime=0,
        models=(),
    )


def model_figures(
    threads: int | None = 0, workers: tuple[str, ...] | None = (), usage: Usage | None = NEVER_USED
) -> ModelFigures:
    at_work = None if workers is None else tuple(map(a_worker, workers))
    return ModelFigures(thread_count=threads, workers=at_work, usage=usage)


UNKNOWN: Final = model_figures(None, None, None)
UNUSED: Final = model_figures()


def figures(models: Mapping[str, ModelFigures], unattributed: Unattributed | None = None) -> CategoryFigures:
    return CategoryFigures(models, unattributed or Unattributed())


def a_sample(threads: int = 1, month: int = 0) -> CategoryFigures:
    """Return figures of one model at work and of one that nobody uses."""
    busy = model_figures(threads, ("w1",), Usage(1, month, 1000))
    return figures({"busy": busy, "unused": UNUSED}, Unattributed(("stray",), 2, Usage(3, 4, 5)))


def an_hour_pack(start: int, threads: int = 1, category: str = TEXT) -> bytes:
    """Return the object of an hour with one sample."""
    tally = HourTally()
    tally.add(a_sample(threads), start + 1.0)
    return run_now(hour_steps(Hour(category, start), tally))


async def store_hours(store: ObjectStore, starts: Mapping[int, int], category: str = TEXT) -> None:
    """Store an object for each hour, given its threads."""
    for start, threads in starts.items():
        await store.create(hour_key(category, start), an_hour_pack(start, threads, category))
