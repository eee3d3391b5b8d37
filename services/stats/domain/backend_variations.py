"""The back ends of a text model as JSON values (statistics.md section 4.1)."""

from typing import Any, Final

from horde_model_reference.integrations.horde_merge import BackendFigures, ModelFigures
from horde_model_reference.integrations.horde_names import Backend
from horde_model_reference.text_backend_names import get_model_name_variants

_PREFIXED: Final = (Backend.APHRODITE, Backend.KOBOLDCPP)


def variant_name(model: str, figures: BackendFigures) -> str:
    """Return the name under which the back end announces the model.

    It is the legacy name (aihorde-api.md section 4), also where only quantised forms are at work; a back end
    without one, such as tabbyapi, goes by the first name that was heard.
    """
    if figures.backend is Backend.CANONICAL:
        return model
    if figures.backend in _PREFIXED:
        prefix = f"{figures.backend}/"
        return next(name for name in get_model_name_variants(model) if name.startswith(prefix))
    return figures.names[0]


def risk_variations(model: str, figures: ModelFigures) -> list[dict[str, Any]]:
    """Return the back ends that have figures; `names` are all names that were added up."""
    return [
        {
            "backend": str(one.backend),
            "variant_name": variant_name(model, one),
            "worker_count": one.thread_count,
            "performance": one.performance,
            "usage_day": one.usage.day if one.usage else None,
            "usage_month": one.usage.month if one.usage else None,
            "usage_total": one.usage.total if one.usage else None,
            "names": list(one.names),
        }
        for one in figures.backends
    ]
