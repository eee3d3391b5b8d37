"""Changes that are ready to be applied one after another."""

import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bench.write_stack import API, Writer

CATEGORIES: Final = ("clip", "text_generation", "image_generation")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An approved change, and what every program reads when it has come."""

    category: str
    name: str
    description: str
    change_id: int


async def propose(writer: Writer, each: int) -> list[Wanted]:
    """Propose and approve so many changes of each category; the categories take turns."""
    wanted = in_turns([await _of_category(writer, category, each) for category in CATEGORIES])
    await writer.approve([one.change_id for one in wanted])
    return wanted


async def _of_category(writer: Writer, category: str, count: int) -> list[Wanted]:
    """Propose edits of models, or, where there are too few, copies of them under new names."""
    records = own_fields((await writer.ask("GET", f"{API}/v2/{category}")).value)
    new = len(records) < count
    wanted = []
    for n, (name, record) in zip(range(count), itertools.cycle(records.items()), strict=False):
        label = f"measured {time.time_ns()}" if new else name
        description = f"Seen as the {n}th of {category}, {time.time_ns()}."
        body = {**record, "name": label, "description": description}
        told = await writer.propose(category, label, body, new=new)
        wanted.append(Wanted(category, label, description, int(told.value["change_id"])))
    return wanted


def own_fields(records: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return records without what the service itself adds to them."""
    return {
        name: {field: value for field, value in record.items() if field != "metadata"}
        for name, record in records.items()
    }


def in_turns(series: list[list[Wanted]]) -> list[Wanted]:
    """Return the first of each series, then the second of each, and so on."""
    return [one for row in zip(*series, strict=True) for one in row]
