"""The book-keeping of categories on disk: one small file for each category and format."""

import logging
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from horde_model_reference.category_metadata import CategoryMetadata

log = logging.getLogger(__name__)

BACKEND_TYPE: Final = "filesystem"


def new_metadata(category: str, made_at: int) -> CategoryMetadata:
    """Return the metadata of a category to which nothing was done since it was made."""
    return CategoryMetadata(
        category=category,
        last_updated=made_at,
        initialization_time=made_at,
        last_successful_operation=made_at,
        backend_type=BACKEND_TYPE,
    )


def read_metadata(path: Path) -> CategoryMetadata | None:
    """Return what the file says; None when it is missing, or damaged, which is logged."""
    try:
        return CategoryMetadata.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.warning("%s cannot be used, counting anew: %s", path, error)
        return None


def render_metadata(metadata: CategoryMetadata) -> bytes:
    """Return the content of the file."""
    return metadata.model_dump_json(indent=2).encode("utf-8")
