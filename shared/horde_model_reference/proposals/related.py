"""The further entries that a change of a text model touches (http-write-api.md section 5.1)."""

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from horde_model_reference.text_names import without_publisher


def related_models(category: str, name: str) -> tuple[str, ...] | None:
    """Return the names under which the back ends serve a text model; None for any other category."""
    if category != MODEL_REFERENCE_CATEGORY.text_generation:
        return None
    return (f"aphrodite/{name}", f"koboldcpp/{without_publisher(name)}")
