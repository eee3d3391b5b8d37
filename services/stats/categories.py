"""The categories as this service answers for them (statistics.md section 1)."""

from collections.abc import Iterable
from typing import Final

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, get_category_descriptor
from service_kit.errors import NotFound, RequestRefused
from service_kit.parameters import unknown_value
from stats.domain.runtime import KIND_OF_CATEGORY
from stats.results import CategoryResults, Results

CATEGORY_PARAMETER: Final = "model_category_name"
CATEGORIES: Final = tuple(str(category) for category in MODEL_REFERENCE_CATEGORY)


def require_known(category: str, known: Iterable[str] = CATEGORIES) -> None:
    """Raise `RequestInvalid` for a category that does not exist."""
    if category not in CATEGORIES:
        raise unknown_value(["path", CATEGORY_PARAMETER], category, known)


def has_live_figures(category: str) -> bool:
    """Whether the AI-Horde has figures of the category's models."""
    return category in KIND_OF_CATEGORY


def require_live_figures(category: str) -> None:
    """Raise `RequestRefused` for a category whose models the AI-Horde knows nothing of."""
    if not has_live_figures(category):
        raise RequestRefused(
            f"there are no live figures of '{category}': only of {' and '.join(KIND_OF_CATEGORY)}"
        )


def is_managed_elsewhere(category: str) -> bool:
    """Whether the category never has records here."""
    return get_category_descriptor(category).managed_elsewhere


def records_of(results: Results, category: str) -> CategoryResults:
    """Return the results of a category. Raises `NotFound` for one without records."""
    found = results.categories.get(category)
    if found is None:
        raise NotFound(f"there are no models of '{category}'")
    return found
