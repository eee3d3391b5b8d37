"""Downloads of model weights (python-client.md section 10).

Each function that asks a server exists twice: `..._async` for programs with an event loop, and one that
blocks, from any thread, also where a loop runs.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from horde_model_reference.downloads.blocking_twins import blocking
from horde_model_reference.downloads.checksums import md5_of, sha256_of
from horde_model_reference.downloads.gateways import (
    Gateway,
    gateway_accepts_key,
    gateway_url_for,
    usable_gateway,
)
from horde_model_reference.downloads.outcome import (
    DEFAULT_ATTEMPTS,
    DownloadOutcome,
    FileOrder,
    ProgressCallback,
)
from horde_model_reference.downloads.record_files import RecordOrder, fetch_record
from horde_model_reference.model_reference_records import GenericModelRecord
from horde_model_reference.no_fork import no_fork
from horde_model_reference.settings import horde_model_reference_settings

if TYPE_CHECKING:
    from horde_model_reference.downloads.downloader import Downloader

__all__ = [
    "DownloadOutcome",
    "ProgressCallback",
    "download_addressed_file",
    "download_addressed_file_async",
    "download_file",
    "download_file_async",
    "download_record_files",
    "download_record_files_async",
    "gateway_accepts_key",
    "gateway_url_for",
    "md5_of",
    "sha256_of",
]


async def download_file_async(  # noqa: PLR0913 - the contract's signature
    url: str,
    destination: str | Path,
    *,
    expected_sha256: str | None = None,
    progress_callback: ProgressCallback | None = None,
    auth_query_token: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    max_retries: int = DEFAULT_ATTEMPTS,
    connections: int = 1,
) -> DownloadOutcome:
    """Download a file by way of `<destination>.part`, which a later call resumes.

    401, 403, 404 and 410 end it at once; anything else is tried `max_retries` times in all. Hashes are
    compared without regard to letter case; None and `FIXME` accept every file. With the wrong hash the
    outcome is a failure, and the file stays in its place. What `progress_callback(done, total)` raises comes
    out, and there is no final file then; `total` is 0 while it is unknown. With more than one connection big
    files come in pieces, if the server can do that.
    """
    order = FileOrder(
        url=url,
        destination=Path(destination),
        expected_sha256=expected_sha256,
        auth_query_token=auth_query_token,
        headers=dict(extra_headers or {}),
        max_attempts=max_retries,
        connections=connections,
        progress=progress_callback,
    )
    async with _downloader() as downloader:
        return await downloader.fetch(order)


async def download_addressed_file_async(  # noqa: PLR0913 - the contract's signature
    origin_url: str,
    destination: str | Path,
    *,
    sha256: str | None,
    gateway_base_url: str | None = None,
    apikey: str | None = None,
    auth_query_token: str | None = None,
    progress_callback: ProgressCallback | None = None,
    use_configured_gateway: bool = True,
    connections: int = 1,
) -> DownloadOutcome:
    """Download a file from the mirror, by its hash, or else from its origin.

    The mirror is tried once, if there is one (given, or set as R2__GATEWAY_URL), a key that may be sent to
    it, and a hash. A file with the wrong hash is removed.
    """
    order = FileOrder(
        url=origin_url,
        destination=Path(destination),
        expected_sha256=sha256,
        auth_query_token=auth_query_token,
        connections=connections,
        progress=progress_callback,
    )
    gateway = _gateway(gateway_base_url, apikey, use_configured=use_configured_gateway)
    async with _downloader() as downloader:
        return await downloader.fetch_addressed(order, gateway)


async def download_record_files_async(  # noqa: PLR0913 - the contract's signature
    record: GenericModelRecord,
    root: str | Path,
    *,
    progress_callback: ProgressCallback | None = None,
    auth_query_token: str | None = None,
    gateway_base_url: str | None = None,
    apikey: str | None = None,
    use_configured_gateway: bool = True,
    connections: int = 1,
) -> bool:
    """Download the files of a record to their places below `root`; return whether all are there.

    A present file with the right hash costs no request, a wrong one is fetched again. False for a record that
    has no place on the disk.
    """
    make_order = partial(
        FileOrder, auth_query_token=auth_query_token, connections=connections, progress=progress_callback
    )
    gateway = _gateway(gateway_base_url, apikey, use_configured=use_configured_gateway)
    wanted = RecordOrder(record, Path(root), make_order, gateway)
    async with _downloader() as downloader:
        return await fetch_record(downloader.fetch_addressed, wanted)


download_file: Final = blocking("download_file", download_file_async)
download_addressed_file: Final = blocking("download_addressed_file", download_addressed_file_async)
download_record_files: Final = blocking("download_record_files", download_record_files_async)


@asynccontextmanager
async def _downloader() -> AsyncIterator["Downloader"]:
    open_downloader = await asyncio.to_thread(
        _import_downloader
    )  # importing takes longer than a loop may stall
    async with open_downloader() as downloader:
        yield downloader


def _import_downloader() -> Callable[[], AbstractAsyncContextManager["Downloader"]]:
    """Import the HTTP stack, when the first file is downloaded."""
    with no_fork:
        from horde_model_reference.downloads.downloader import open_downloader  # noqa: PLC0415

    return open_downloader


def _gateway(base_url: str | None, apikey: str | None, *, use_configured: bool) -> Gateway | None:
    configured = horde_model_reference_settings.r2.gateway_url if use_configured else None
    return usable_gateway(base_url or configured, apikey)
