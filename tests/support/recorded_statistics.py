"""Recorded answers about statistics, and the figures of the AI-Horde that they rest on."""

import json
from functools import cache
from typing import Any, Final

from horde_model_reference.integrations.horde_figures import read_status, read_usage, read_workers
from horde_model_reference.integrations.horde_merge import CategoryFigures, figures_of
from support.contents import real_content
from support.horde_world import HordeWorld
from support.reference_data import SHARED

RECORDED: Final = SHARED / "data" / "golden" / "statistics"


def recorded(name: str) -> dict[str, Any]:
    """Return a recorded file, or the answer in it."""
    value: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_bytes())
    answer: dict[str, Any] = value.get("response", value)
    return answer


@cache
def real_records(category: str) -> dict[str, dict[str, Any]]:
    """Return the records of a category of the real catalogue. Not to be changed."""
    records: dict[str, dict[str, Any]] = json.loads(real_content().categories[category].v2)
    return records


@cache
def recorded_image_figures() -> CategoryFigures:
    """Return the figures from which the recorded answers about images were made."""
    status, usage, workers = (
        json.loads((RECORDED / "inputs" / f"{name}.json").read_bytes())
        for name in ("status_image_all", "stats_image", "workers_image")
    )
    names = real_records("image_generation")
    return figures_of(
        "image_generation", names, read_status(status), read_usage(usage), read_workers(workers)
    )


@cache
def recorded_text_figures() -> CategoryFigures:
    """Return the figures from which the recorded answers about text were made: the stand-in's own."""
    world, names = HordeWorld(), real_records("text_generation")
    return figures_of(
        "text_generation",
        names,
        read_status(world.status("text")),
        read_usage(world.usage("text")),
        read_workers(world.workers("text")),
    )
