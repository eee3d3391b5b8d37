"""The copy on disk, for a start while nothing else can be reached."""

import logging
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict

from horde_model_reference.files.whole import remove_left_behind, replace_file
from horde_model_reference.meta_consts import CanonicalFormat
from read_api.replica.copies import Copy, Origin, category_content, in_order, sha256
from registry.catalogue import SideData
from registry.content import CatalogueContent

FILE: Final = Path("replica", "catalogue.copy")

log = logging.getLogger(__name__)


class StoredCategory(BaseModel):
    """The documents of a category as texts."""

    model_config = ConfigDict(frozen=True)

    v2: str
    legacy: str | None


class StoredCopy(BaseModel):
    """A copy as it is stored."""

    model_config = ConfigDict(frozen=True)

    form: Literal[1] = 1
    origin: Origin
    source_url: str
    is_numbered_here: bool
    canonical_format: CanonicalFormat | None
    source_tag: str | None
    revision: int
    sequence: int
    committed_at: datetime
    side_data: SideData
    categories: dict[str, StoredCategory]


class DiskCopy:
    """One file below a directory. Both methods block.

    It is replaced as a whole; its first line is the hash of the rest, so that what is read was written so.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._said = ""

    def read(self) -> Copy | None:
        """Return the copy; None when there is none, or it is damaged."""
        remove_left_behind(self._path.parent)
        try:
            return _read(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("the copy on disk cannot be read: %s", error)
        except ValueError as error:
            log.warning("the copy on disk is damaged and left alone: %s", type(error).__name__)
        return None

    def write(self, copy: Copy) -> bool:
        """Replace the copy, and return whether that succeeded; a disk that refuses is no reason to stop."""
        try:
            # pydantic's own writer stops every thread for some 30 ms (measured)
            body = orjson.dumps(_stored(copy).model_dump(mode="json"))
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, sha256(body).encode() + b"\n" + body, durable=True)
        except (OSError, ValueError) as error:
            reason = f"{type(error).__name__} {getattr(error, 'errno', '')}"
            if reason != self._said:  # once for each reason, not at every revision
                log.warning("no copy can be kept on disk: %s", error)
            self._said = reason
            return False
        self._said = ""
        return True


def _read(file: bytes) -> Copy:
    digest, _, body = file.partition(b"\n")
    if sha256(body).encode() != digest:
        raise ValueError("the hash is another one")
    return _copy(StoredCopy.model_validate_json(body))


def _copy(stored: StoredCopy) -> Copy:
    categories = {
        name: category_content(name, one.v2.encode(), None if one.legacy is None else one.legacy.encode())
        for name, one in stored.categories.items()
    }
    return Copy(
        content=CatalogueContent(
            revision=stored.revision,
            sequence=stored.sequence,
            committed_at=stored.committed_at,
            categories=in_order(categories),
            side_data=stored.side_data,
        ),
        origin=stored.origin,
        source_url=stored.source_url,
        is_numbered_here=stored.is_numbered_here,
        canonical_format=stored.canonical_format,
        source_tag=stored.source_tag,
    )


def _stored(copy: Copy) -> StoredCopy:
    content = copy.content
    return StoredCopy(
        origin=copy.origin,
        source_url=copy.source_url,
        is_numbered_here=copy.is_numbered_here,
        canonical_format=copy.canonical_format,
        source_tag=copy.source_tag,
        revision=content.revision,
        sequence=content.sequence,
        committed_at=content.committed_at,
        side_data=content.side_data,
        categories={
            name: StoredCategory(
                v2=one.v2.decode(), legacy=None if one.legacy is None else one.legacy.decode()
            )
            for name, one in content.categories.items()
        },
    )
