"""Files from where they are to where they belong."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from aiohttp import ClientSession

from horde_model_reference.downloads.checksums import FileState, forget_checksums, known_sha256
from horde_model_reference.downloads.disk_work import DiskFailed, has_checksum, long_on_disk, on_disk
from horde_model_reference.downloads.gateways import Gateway, gateway_url_for, has_address_by_hash
from horde_model_reference.downloads.http_source import HttpSource, open_session
from horde_model_reference.downloads.outcome import DownloadOutcome, FileOrder, Patience
from horde_model_reference.downloads.part_file import PartFile, put_in_place
from horde_model_reference.downloads.segments import MIN_FILE_BYTES, SegmentedDownload
from horde_model_reference.downloads.single_stream import SingleStream

log = logging.getLogger(__name__)

ORDINARY_PATIENCE: Final = Patience()


class Downloader:
    """Downloads files, one after another or several at once. Nothing is kept but open connections."""

    def __init__(self, session: ClientSession, patience: Patience) -> None:
        self._session = session
        self._patience = patience

    async def fetch(self, order: FileOrder) -> DownloadOutcome:
        """Download one file. A wrong hash is a failure, but the file is in its place then.

        Raises only what the caller's progress function raises.
        """
        part = PartFile(order.destination)
        try:
            waited = await self._open(part)
            if waited and order.known_sha256 and await has_checksum(order.destination, order.known_sha256):
                size = (await on_disk(order.destination.stat)).st_size
                return DownloadOutcome(True, order.destination, size, order.known_sha256)
            return await self._fetch_into(part, order)
        except DiskFailed as failure:
            log.error("%s cannot be written: %s", order.destination, failure)  # noqa: TRY400 - no defect of ours
            return DownloadOutcome(False, order.destination, part.size)
        finally:
            await asyncio.to_thread(part.close)

    async def fetch_addressed(self, order: FileOrder, gateway: Gateway | None) -> DownloadOutcome:
        """Try the mirror once, then the origin. A file with the wrong hash does not stay.

        Raises only what the caller's progress function raises.
        """
        if gateway is not None and has_address_by_hash(order.expected_sha256):
            url = gateway_url_for(gateway.base_url, known_sha256(order.expected_sha256) or "")
            mirrored = replace(
                order, url=url, auth_query_token=None, headers={"apikey": gateway.apikey}, max_attempts=1
            )
            outcome = await self._fetch_or_remove(mirrored)
            if outcome.success:
                return outcome
        return await self._fetch_or_remove(order)

    async def _fetch_or_remove(self, order: FileOrder) -> DownloadOutcome:
        outcome = await self.fetch(order)
        if not outcome.success and outcome.sha256 is not None:
            await asyncio.to_thread(_remove, order.destination)
        return outcome

    async def _open(self, part: PartFile) -> bool:
        """Open the part file; return whether another download had to be waited for."""
        waited = False
        state, deadline = "", 0.0
        while not await on_disk(part.try_open):
            waited = True
            present = await asyncio.to_thread(
                _state_of, part.path, SegmentedDownload.path_for(part.destination)
            )
            if present != state:
                state, deadline = present, time.monotonic() + self._patience.other_download_seconds
            elif time.monotonic() > deadline:
                raise DiskFailed("another download of it does not go on")
            await asyncio.sleep(self._patience.look_again_seconds)
        return waited

    async def _fetch_into(self, part: PartFile, order: FileOrder) -> DownloadOutcome:
        source = HttpSource(self._session, order.address, order.headers, pin=order.known_sha256 is None)
        if order.connections > 1 and part.size < MIN_FILE_BYTES:
            outcome = await self._fetch_segmented(source, part, order)
            if outcome is not None:
                return outcome
        is_resumed = part.size > 0
        if is_resumed:
            await long_on_disk(part.hash_existing)
        stream = SingleStream(source, part, order, self._patience.pause_seconds)
        while await stream.fill():
            is_right = order.known_sha256 in {None, part.checksum}
            if is_right or not is_resumed or not stream.attempts_left:
                return _verified(order, await on_disk(part.complete), part.size)
            log.warning("%s: what lay there is not of this file; once more from its beginning", part.path)
            await on_disk(part.restart)
            is_resumed = False
        return DownloadOutcome(False, order.destination, part.size)

    async def _fetch_segmented(
        self, source: HttpSource, part: PartFile, order: FileOrder
    ) -> DownloadOutcome | None:
        download = SegmentedDownload(source, order, self._patience.pause_seconds)
        try:
            checksum = await download.fill()
            if checksum is None:
                return None
            await on_disk(put_in_place, download.path, order.destination, checksum)
            await on_disk(part.restart)  # an earlier, smaller attempt
            return _verified(order, checksum, download.size)
        finally:
            await download.remove()


@contextlib.asynccontextmanager
async def open_downloader(patience: Patience = ORDINARY_PATIENCE) -> AsyncIterator[Downloader]:
    """Open a downloader on the running loop."""
    async with open_session(patience.silence_seconds) as session:
        yield Downloader(session, patience)


def _verified(order: FileOrder, checksum: str, size: int) -> DownloadOutcome:
    success = order.known_sha256 in {None, checksum}
    if not success:
        log.warning("%s has the hash %s, not %s", order.destination, checksum, order.known_sha256)
    return DownloadOutcome(success, order.destination, size, checksum)


def _state_of(*paths: Path) -> str:
    """Return a text that changes while a download goes on."""
    states = []
    for path in paths:
        with contextlib.suppress(OSError):
            states.append(FileState.of(path))
    return str(states)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
    forget_checksums(path)
