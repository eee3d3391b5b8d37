"""How a value outside of the known set is taken, per category and field (data-model.md section 2)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY


class Severity(StrEnum):
    """What an unknown value costs: the record, or a remark."""

    error = "error"
    warning = "warning"


VALIDATION_POLICY: Final[Mapping[tuple[str, str], Severity]] = {
    (MODEL_REFERENCE_CATEGORY.image_generation, "baseline"): Severity.error,
    (MODEL_REFERENCE_CATEGORY.image_generation, "style"): Severity.error,
    (MODEL_REFERENCE_CATEGORY.controlnet, "controlnet_style"): Severity.warning,
}
"""Fields that are not listed are not checked."""


def severity_of(category: str, field: str) -> Severity | None:
    """Return what an unknown value of the field costs, None where it is not checked."""
    return VALIDATION_POLICY.get((category, field))
