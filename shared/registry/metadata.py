"""The book-keeping of categories (data-model.md section 9, http-write-api.md section 12)."""

from collections.abc import Iterable
from typing import Final

from horde_model_reference.meta_consts import OperationType, get_category_descriptor, is_registered_category
from registry.catalogue import ApiVersion, CategoryMetadata, SideData
from registry.change_record import Operation
from registry.history_state import Touched

GROWTH: Final[dict[Operation, int]] = {"create": 1, "update": 0, "delete": -1}


def counted(side_data: SideData, touched: Iterable[Touched], now: int) -> SideData:
    """Return the side data with these operations counted, in both formats: one commit changes both views.

    A category without legacy form has no v1 view that could change. `now` is in Unix seconds.
    """
    metadata = {version: dict(categories) for version, categories in side_data.metadata.items()}
    for one in touched:
        for version, categories in metadata.items():
            known = categories.get(one.category)
            if known is not None and _is_shown(one.category, version):
                categories[one.category] = _counted(known, one, now)
    return side_data.model_copy(update={"metadata": metadata})


def _is_shown(category: str, version: ApiVersion) -> bool:
    if version == "v2" or not is_registered_category(category):
        return True
    return get_category_descriptor(category).has_legacy_format


def _counted(known: CategoryMetadata, one: Touched, now: int) -> CategoryMetadata:
    total_models = max(0, known.total_models + GROWTH[one.operation])
    return known.after(OperationType(one.operation), one.model_name, now=now, total_models=total_models)
