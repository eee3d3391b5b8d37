"""The category in the path, as the read side takes it."""

from collections.abc import Iterable
from typing import Final

from read_api.domain.categories import CATEGORIES
from service_kit.errors import RequestInvalid
from service_kit.parameters import unknown_value

CATEGORY_PARAMETER: Final = "model_category_name"


def unknown_category(name: str, known: Iterable[str] = CATEGORIES) -> RequestInvalid:
    """Return the error for a category in the path that does not exist."""
    return unknown_value(["path", CATEGORY_PARAMETER], name, known)
