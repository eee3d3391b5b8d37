"""Documents of records, read from JSON."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

from horde_model_reference.lenient_json import UnusableJson, read_object

Records = dict[str, dict[str, Any]]
T = TypeVar("T")

INLINE_BYTES: Final = 256 * 1024
"""Reading this much takes a millisecond or two; more is done beside the loop."""

log = logging.getLogger(__name__)


def read_records(body: bytes) -> Records:
    """Return the records of a document. Raises `UnusableJson`.

    An entry that is not an object is left out and its neighbours are kept, but a document of nothing else is
    not one of records: an error that came with status 200 looks like that.
    """
    return records_of(read_object(body))


def records_of(value: object) -> Records:
    """Return the records of a document that was read already. Raises `UnusableJson`."""
    if not isinstance(value, dict):
        raise UnusableJson("not a JSON object")
    records = {name: record for name, record in value.items() if isinstance(record, dict)}
    if len(records) < len(value):
        if not records:
            raise UnusableJson("a JSON object without records")
        log.warning("left out, not records: %s", sorted(value.keys() - records.keys()))
    return records


async def read_beside_loop(read: Callable[[bytes], T], body: bytes) -> T:
    """Return what `read` makes of the body; a large one does not hold the loop up."""
    if len(body) <= INLINE_BYTES:
        return read(body)
    return await asyncio.to_thread(read, body)
