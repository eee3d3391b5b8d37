"""Where seed data comes from: a directory with the files of the legacy repositories, or GitHub itself."""

import asyncio
import os
import stat
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from horde_model_reference.documents import SourceUnreadable
from service_kit.errors import ServiceError

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""A larger file is refused: the whole catalogue has about 2 MB."""

REPOSITORY_FOLDERS: Final = ("image", "text")

SEED_FILES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "blip": ("image", ("blip.json",)),
    "clip": ("image", ("clip.json",)),
    "codeformer": ("image", ("codeformer.json",)),
    "controlnet": ("image", ("controlnet.json",)),
    "esrgan": ("image", ("esrgan.json",)),
    "gfpgan": ("image", ("gfpgan.json",)),
    "safety_checker": ("image", ("safety_checker.json",)),
    "image_generation": ("image", ("stable_diffusion.json",)),
    "text_generation": ("text", ("models.csv", "db.json")),
    "miscellaneous": ("image", ("miscellaneous.json",)),
}
"""Category to repository and files (data-model.md section 1). For text one of the two is enough."""

PASSED_ON_FILES: Final[Mapping[str, str]] = {"diffusers.json": "image"}
"""Files of the repositories that belong to no category but are served as they are."""


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """Which state of which repository (`owner/name`) files are of; no commit: of the branch as it was."""

    repository: str
    branch: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class SeedSource:
    """The files of every category that is to be seeded, by file name, and where they come from.

    `failures` are the categories whose files cannot be had, and why. `is_divisible`: each category is for
    itself; else all or nothing. `origins` are those of the repositories `image` and `text`, `remarks` what
    was odd on the way.
    """

    origin: str
    categories: Mapping[str, Mapping[str, bytes]]
    passed_on: Mapping[str, bytes]
    failures: Mapping[str, str] = field(default_factory=dict)
    origins: Mapping[str, FileOrigin] = field(default_factory=dict)
    is_divisible: bool = False
    remarks: tuple[str, ...] = ()

    def origin_of(self, category: str) -> FileOrigin | None:
        """Return where on GitHub the files of a category are from, None for files from elsewhere."""
        return self.origins.get(SEED_FILES[category][0]) if category in SEED_FILES else None


Fetch = Callable[[str], Awaitable[bytes]]
"""Returns the body behind a URL; raises `ServiceError` when it cannot be had, or is over the limit."""


async def fetch_repositories(fetch: Fetch, urls: Mapping[str, str]) -> SeedSource:
    """Fetch the files of all categories; `urls` are the base URLs of the repositories `image` and `text`.

    Raises `SourceUnreadable` naming the file when one cannot be had.
    """

    async def one(folder: str, name: str) -> bytes:
        try:
            return await fetch(f"{urls[folder]}/{name}")
        except ServiceError as error:
            raise SourceUnreadable(f"{name} of the {folder} repository cannot be fetched: {error}") from error

    wanted = [(folder, name) for folder, names in SEED_FILES.values() for name in names]
    wanted += [(folder, name) for name, folder in PASSED_ON_FILES.items()]
    fetched = await asyncio.gather(*(one(folder, name) for folder, name in wanted), return_exceptions=True)
    bodies = {}
    for (_, name), result in zip(wanted, fetched, strict=True):
        if isinstance(result, BaseException):
            raise result
        bodies[name] = result
    return SeedSource(
        origin="github",
        categories={
            category: {name: bodies[name] for name in names} for category, (_, names) in SEED_FILES.items()
        },
        passed_on={name: bodies[name] for name in PASSED_ON_FILES},
    )


async def read_directory(root: Path) -> SeedSource:
    """Read the files of all categories below `root`, or below its folders `image` and `text`.

    Raises `SourceUnreadable` naming the file when one is missing, too large, or cannot be read.
    """
    return await asyncio.to_thread(_read_directory, root)


def _read_directory(root: Path) -> SeedSource:
    if not os.path.isdir(root):  # noqa: PTH112 - Path.is_dir raises where a folder above is closed
        raise SourceUnreadable(f"{root} is not a directory that can be read")
    categories = {}
    for category, (folder, names) in SEED_FILES.items():
        files = {name: body for name in names if (body := _read_optional(root, folder, name)) is not None}
        if not files:
            raise SourceUnreadable(f"{category}: there is no {' or '.join(names)} in {root}")
        categories[category] = files
    passed_on = {
        name: body
        for name, folder in PASSED_ON_FILES.items()
        if (body := _read_optional(root, folder, name)) is not None
    }
    return SeedSource(f"directory {root.resolve().name}", categories, passed_on)


def _read_optional(root: Path, folder: str, name: str) -> bytes | None:
    path = root / name
    try:
        if (root / folder).is_dir():
            path = root / folder / name
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # reading a pipe or a device may never end
            raise SourceUnreadable(f"{path} cannot be read: not a file")
        require_size(name, found.st_size)
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror}") from error


def require_size(name: str, size_bytes: int) -> None:
    """Raise `SourceUnreadable` for a file that is larger than any catalogue."""
    if size_bytes > MAX_FILE_BYTES:
        raise SourceUnreadable(f"{name} has {size_bytes} bytes, the limit is {MAX_FILE_BYTES}")


def one_line_of(failures: Mapping[str, str]) -> str:
    """Return the first of the failures by category, and how many others there are."""
    category, why = next(iter(failures.items()))
    others = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return f"{category}: {why}{others}"
