"""Export: a revision as files, in the shapes of the legacy repositories and of v2."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from horde_model_reference.documents import CategoryDocuments
from horde_model_reference.files.whole import replace_file
from horde_model_reference.meta_consts import get_category_descriptor
from registry.blobs import Blobs
from registry.catalogue import SideData
from registry.documents import load_documents
from registry.loading import load_side_data
from registry.sources import PASSED_ON_FILES, SEED_FILES
from registry.state import State
from service_kit.errors import NotFound


async def export(blobs: Blobs, state: State, directory: Path) -> list[Path]:
    """Write `image/`, `text/` (as in the legacy repositories) and `v2/` below `directory`; return the paths.

    Each file is replaced atomically. Raises `NotFound` for an empty journal, `OSError` when the disk refuses.
    """
    if state.catalogue is None:
        raise NotFound("the journal holds no catalogue yet")
    documents = await load_documents(blobs, state.catalogue)
    side_data = await load_side_data(blobs, state.catalogue.side_data)
    files = export_files(documents, side_data)
    await asyncio.to_thread(_write_all, directory, files)
    return [directory / name for name in sorted(files)]


def export_files(documents: Mapping[str, CategoryDocuments], side_data: SideData) -> dict[str, bytes]:
    """Return every file of an export by its path below the directory."""
    files = {f"v2/{get_category_descriptor(name).filename}": item.v2 for name, item in documents.items()}
    for name, (folder, file_names) in SEED_FILES.items():
        item = documents.get(name)
        if item is not None and item.legacy is not None:
            files[f"{folder}/{file_names[-1]}"] = item.legacy
        if item is not None and item.csv is not None:
            files[f"{folder}/{file_names[0]}"] = item.csv
    for name, text in side_data.files.items():
        files[f"{PASSED_ON_FILES[name]}/{name}"] = text.encode()
    return files


def _write_all(directory: Path, files: Mapping[str, bytes]) -> None:
    for name, body in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, body)
