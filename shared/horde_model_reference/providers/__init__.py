"""Further sources of records beside the canonical reference. Each name is loaded when first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from horde_model_reference.providers.base import ModelProvider
    from horde_model_reference.providers.pending import PendingModelProvider
    from horde_model_reference.providers.registry import ModelProviderRegistry
    from horde_model_reference.providers.static import StaticModelProvider

__all__ = ["ModelProvider", "ModelProviderRegistry", "PendingModelProvider", "StaticModelProvider"]

_MODULES: Final = {
    "ModelProvider": "base",
    "ModelProviderRegistry": "registry",
    "PendingModelProvider": "pending",
    "StaticModelProvider": "static",
}


def __getattr__(name: str) -> object:
    try:
        module = _MODULES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    found: object = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
