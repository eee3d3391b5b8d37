"""Objects as files below a directory, safe between processes."""

import asyncio
import contextlib
import errno
import heapq
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from service_kit.call_metrics import measured
from service_kit.errors import ObjectExists, ObjectMissing, StoreFull, StoreUnavailable
from service_kit.object_keys import check_key, check_prefix
from service_kit.telemetry import Telemetry

DRAFTS: Final = ".drafts"  # no key starts with a dot
STALE_DRAFT_SECONDS: Final = 3600.0  # older ones were left by a process that was killed
THREADS: Final = 6  # they wait for the disk most of the time; the allocator keeps memory for each

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DENIED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NOT_THERE: Final = (FileNotFoundError, IsADirectoryError, NotADirectoryError)

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class FileObjectStore:
    """A directory on a file system with hard links.

    `create` writes a draft, syncs it to disk and links it to its name: the file system lets exactly one
    link of a name succeed, whichever process it comes from. Then the directory is synced, so that an
    entry that was acknowledged, or seen by the loser of a race, survives a power loss. A cancelled call
    is finished by its thread.

    It has threads of its own: neither do writes wait behind computations of the process, nor do those, and
    look-ups of names, stand still with a disk that hangs.
    """

    def __init__(self, root: Path, telemetry: Telemetry | None = None) -> None:
        self._root = root
        self._calls = telemetry.store_calls if telemetry else None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="object store")

    def close(self) -> None:
        """End the threads, each after the call it is busy with; no call can be made afterwards."""
        self._threads.shutdown(wait=False)

    async def get(self, key: str) -> bytes:
        check_key(key)
        with measured(self._calls, "get"):
            return await self._in_thread(key, lambda: self._read(key))

    async def create(self, key: str, body: bytes) -> None:
        check_key(key)
        with measured(self._calls, "create"):
            await self._in_thread(key, lambda: self._create(key, body))

    async def list_after(self, prefix: str, after: str = "", *, limit: int = 1000) -> list[str]:
        check_prefix(prefix)
        with measured(self._calls, "list"):
            return await self._in_thread(prefix, lambda: self._list(prefix, after, limit))

    async def delete(self, key: str) -> None:
        check_key(key)
        with measured(self._calls, "delete"):
            await self._in_thread(key, lambda: _unlink(self._root / key))

    async def _in_thread(self, key: str, call: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _translated, key, call)

    def _read(self, key: str) -> bytes:
        try:
            return (self._root / key).read_bytes()
        except _NOT_THERE:
            self._require_root()
            raise

    def _require_root(self) -> None:
        """Tell an object that is missing from a directory that is: one not mounted looks empty."""
        if not self._root.is_dir():
            raise StoreUnavailable(f"the data directory {self._root} does not exist")

    def _create(self, key: str, body: bytes) -> None:
        self._require_root()
        target = self._root / key
        _make_folder(target.parent, self._root)
        draft = self._root / DRAFTS / f"{os.getpid()}-{secrets.token_hex(8)}"
        try:
            _write_durably(draft, body)
            try:
                _link(draft, target)
            finally:  # the loser must not act on an entry of the winner that a power loss could undo
                _sync_folder(target.parent)
        finally:
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()

    def _list(self, prefix: str, after: str, limit: int) -> list[str]:
        try:
            entries = os.scandir(self._root / prefix)
        except FileNotFoundError:
            self._require_root()
            return []
        with entries:
            keys = (prefix + entry.name for entry in entries if entry.is_file(follow_symlinks=False))
            return heapq.nsmallest(limit, (key for key in keys if key > after))


@contextlib.asynccontextmanager
async def open_file_store(root: Path, telemetry: Telemetry | None = None) -> AsyncIterator[FileObjectStore]:
    """Make the directory if need be and clear it of forgotten drafts.

    Raises `StoreUnavailable` naming the directory when it cannot be used.
    """
    await asyncio.to_thread(_prepare, root)
    with contextlib.closing(FileObjectStore(root, telemetry)) as store:
        yield store


def _prepare(root: Path) -> None:
    drafts = root / DRAFTS
    try:
        drafts.mkdir(parents=True, exist_ok=True)
        if not os.access(drafts, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "permission denied", str(drafts))
        _remove_stale_drafts(drafts)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise StoreUnavailable(f"the data directory {root} cannot be used: {reason}") from error


def _remove_stale_drafts(drafts: Path) -> None:
    oldest = time.time() - STALE_DRAFT_SECONDS
    for draft in drafts.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another process removes them too
            if draft.stat().st_mtime < oldest:
                draft.unlink()


def _make_folder(folder: Path, root: Path) -> None:
    (root / DRAFTS).mkdir(parents=True, exist_ok=True)
    missing = []
    current = folder
    while not current.is_dir():
        missing.append(current)
        current = current.parent
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _sync_folder(made.parent)


def _write_durably(path: Path, body: bytes) -> None:
    with open(path, "xb", buffering=0) as file:  # noqa: PTH123 - Path.open has no fewer calls
        view = memoryview(body)
        while view:
            view = view[file.write(view) :]
        os.fsync(file.fileno())


def _link(draft: Path, target: Path) -> None:
    try:
        os.link(draft, target)
    except FileExistsError as error:
        raise ObjectExists(f"an object with the key {target.name} exists") from error
    except OSError as error:
        if error.errno in {errno.EPERM, errno.EOPNOTSUPP, errno.EXDEV}:
            raise StoreUnavailable(
                "the file system of the data directory does not allow hard links"
            ) from error
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unlink(path: Path) -> None:
    with contextlib.suppress(*_NOT_THERE):
        path.unlink()


def _translated(key: str, call: Callable[[], Result]) -> Result:
    with file_errors(key):
        return call()


@contextlib.contextmanager
def file_errors(key: str) -> Iterator[None]:
    """Turn errors of the file system into those of the port. The texts name no path, the log does."""
    try:
        yield
    except _NOT_THERE as error:
        raise ObjectMissing(f"there is no object with the key {key}") from error
    except OSError as error:
        log.warning("the data directory failed: %s", error)
        if error.errno in _FULL:
            raise StoreFull("the data directory has no room left") from error
        if error.errno in _DENIED:
            raise StoreUnavailable(
                "the data directory may not be read or written (permission denied)"
            ) from error
        raise StoreUnavailable("the data directory cannot be read or written") from error
