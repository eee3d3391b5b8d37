"""The categories as the read side serves them."""

from typing import Final

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, get_category_descriptor
from horde_model_reference.model_reference_records import get_record_type_for_category
from read_api.domain.search_table import RecordFields

CATEGORIES: Final = tuple(str(category) for category in MODEL_REFERENCE_CATEGORY)
IMAGE_GENERATION: Final = str(MODEL_REFERENCE_CATEGORY.image_generation)
TEXT_GENERATION: Final = str(MODEL_REFERENCE_CATEGORY.text_generation)

DIFFUSERS_FILE: Final = "diffusers.json"  # of the image repository: no category, but the AI-Horde loads it
EMPTY_OBJECT: Final = b"{}"

COMMON_FIELDS: Final = frozenset(
    {
        "config",
        "description",
        "finetune_series",
        "metadata",
        "model_classification",
        "name",
        "record_type",
        "size_on_disk_bytes",
        "version",
    }
)


def is_managed_elsewhere(category: str) -> bool:
    """Whether the category exists, but its records live in another system."""
    return get_category_descriptor(category).managed_elsewhere


def has_legacy_form(category: str) -> bool:
    """Whether the category can have a v1 document."""
    return get_category_descriptor(category).has_legacy_format


LISTED_IN_V2: Final = tuple(category for category in CATEGORIES if not is_managed_elsewhere(category))


def empty_v2_is_served(category: str) -> bool:
    """Whether a category without any data is an empty object in v2, and not missing."""
    return is_managed_elsewhere(category) or not has_legacy_form(category)


def record_fields(category: str) -> RecordFields:
    """Return the fields of the category's record type."""
    fields = get_record_type_for_category(category).model_fields
    return RecordFields(
        keys={name: field.serialization_alias or field.alias or name for name, field in fields.items()},
        defaults={name: field.default for name, field in fields.items() if isinstance(field.default, bool)},
    )


def common_record_fields() -> RecordFields:
    """Return the fields that the records of every category have."""
    return RecordFields(keys={name: name for name in sorted(COMMON_FIELDS)}, defaults={})
