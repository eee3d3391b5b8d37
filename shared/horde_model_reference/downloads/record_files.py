"""All files of a record to their places below the weights."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from horde_model_reference.downloads.disk_work import DiskFailed, has_checksum
from horde_model_reference.downloads.gateways import Gateway
from horde_model_reference.downloads.outcome import DownloadOutcome, FileOrder
from horde_model_reference.model_reference_records import DownloadRecord, GenericModelRecord
from horde_model_reference.on_disk_layout import FileOutsideRoot, category_folder, path_below

log = logging.getLogger(__name__)

FetchAddressed = Callable[[FileOrder, Gateway | None], Awaitable[DownloadOutcome]]


@dataclass(frozen=True, slots=True)
class RecordOrder:
    """A record whose files are wanted below `root`. `make_order` makes an order of an address and a place."""

    record: GenericModelRecord
    root: Path
    make_order: Callable[[str, Path], FileOrder] = field(default=FileOrder, repr=False)
    gateway: Gateway | None = None


async def fetch_record(fetch: FetchAddressed, wanted: RecordOrder) -> bool:
    """Return whether all files are in their places. A failure does not keep the other files back.

    A present file with the right hash, or with an unknown one, costs no request. False for a record whose
    category has no folder. Raises only what the caller's progress function raises.
    """
    folder = category_folder(wanted.record.record_type)
    if folder is None:
        log.warning(
            "%s: files of %s have no place on the disk", wanted.record.name, wanted.record.record_type
        )
        return False
    results = [await _fetch(fetch, wanted, folder, file) for file in wanted.record.config.download]
    return all(results)


async def _fetch(fetch: FetchAddressed, wanted: RecordOrder, folder: str, file: DownloadRecord) -> bool:
    try:
        place = path_below(wanted.root, folder, file)
        order = replace(wanted.make_order(file.file_url, place), expected_sha256=file.sha256sum)
        if await has_checksum(place, order.known_sha256):
            return True
    except (FileOutsideRoot, DiskFailed) as error:
        log.warning("%s: %s", wanted.record.name, error)
        return False
    return (await fetch(order, wanted.gateway)).success
