"""The book-keeping of the categories."""

import pytest

from registry.catalogue import CategoryMetadata, SideData
from registry.change_record import Operation
from registry.history_state import Touched
from registry.metadata import counted


def known(category: str, total: int) -> CategoryMetadata:
    return CategoryMetadata(
        category=category,
        last_updated=1,
        total_models=total,
        initialization_time=1,
        last_successful_operation=1,
    )


def totals(category: str, operation: Operation, total: int) -> dict[str, int]:
    """Return the totals of both formats after an operation on a category."""
    metadata = {version: {category: known(category, total)} for version in ("v1", "v2")}
    side_data = SideData.model_validate({"metadata": metadata})
    touched = Touched(category=category, model_name="m", operation=operation)
    after = counted(side_data, [touched], 7).metadata
    return {version: after[version][category].total_models for version in ("v1", "v2")}


@pytest.mark.parametrize(("operation", "expected"), [("create", 4), ("update", 3), ("delete", 2)])
def test_a_total_follows_what_happens_in_both_formats(operation: Operation, expected: int) -> None:
    assert totals("clip", operation, 3) == {"v1": expected, "v2": expected}


def test_a_total_is_never_negative() -> None:
    assert totals("clip", "delete", 0) == {"v1": 0, "v2": 0}


def test_a_category_without_legacy_form_has_no_legacy_view_that_changes() -> None:
    assert totals("controlnet_annotator", "create", 3) == {"v1": 3, "v2": 4}


def test_a_category_that_this_version_does_not_know_is_counted_all_the_same() -> None:
    assert totals("of tomorrow", "create", 3) == {"v1": 4, "v2": 4}
