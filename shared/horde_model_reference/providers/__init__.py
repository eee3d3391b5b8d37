"""Further sources of records beside the canonical reference. Each name is loaded when first asked for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from horde_model_reference.late_names import imported_late

if TYPE_CHECKING:
    from horde_model_reference.providers.base import ModelProvider
    from horde_model_reference.providers.pending import PendingModelProvider
    from horde_model_reference.providers.registry import ModelProviderRegistry
    from horde_model_reference.providers.static import StaticModelProvider

__all__ = ["ModelProvider", "ModelProviderRegistry", "PendingModelProvider", "StaticModelProvider"]

_NAMES: Final[Mapping[str, str]] = {
    "base": "ModelProvider",
    "pending": "PendingModelProvider",
    "registry": "ModelProviderRegistry",
    "static": "StaticModelProvider",
}
"""Module to the names that stand for it here; the imports above say the same to type checkers."""

if not TYPE_CHECKING:  # to a type checker a name that is not imported above is a mistake
    __getattr__, __dir__ = imported_late(__name__, globals(), _NAMES)
