"""Questions that moderators ask of a deletion risk report, and its summary (statistics.md section 4.3)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

RiskModel = Mapping[str, Any]
"""A model as the report shows it."""

CANDIDATE_BELOW_PERCENT: Final = 0.01
"""A smaller share of the category's usage makes a model a candidate."""

PRESETS: Final[Mapping[str, str]] = {
    "deletion_candidates": "any flag is set, less than 0.01 % of the category's usage, or no workers",
    "zero_usage": "not used in the last month",
    "no_workers": "no worker serves it",
    "missing_data": "the description or the baseline is missing",
    "host_issues": "files are missing, not on a preferred host, or on several hosts",
    "critical": "hardly used in the last month, and no worker serves it",
    "low_usage": "a very small share of the category's usage",
}
"""Name to description, in the order in which they are offered."""

_SUMMARY_FLAGS: Final[Mapping[str, str]] = {
    "models_with_zero_day_usage": "zero_usage_day",
    "models_with_zero_month_usage": "zero_usage_month",
    "models_with_zero_total_usage": "zero_usage_total",
    "models_with_no_active_workers": "no_active_workers",
    "models_with_no_downloads": "no_download_urls",
    "models_with_non_preferred_hosts": "has_non_preferred_host",
    "models_with_multiple_hosts": "has_multiple_hosts",
    "models_with_low_usage": "low_usage",
}


def keeps(preset: str, model: RiskModel) -> bool:
    """Return whether the preset shows the model. Raises `KeyError` for an unknown preset."""
    return _KEEPS[preset](model)


def summary_of(models: Sequence[RiskModel]) -> dict[str, Any]:
    """Count the models of a report, or of what a preset left of it."""
    scores = [model["risk_score"] for model in models]
    return {
        "total_models": len(models),
        "models_at_risk": sum(model["at_risk"] for model in models),
        "models_critical": sum(model["is_critical"] for model in models),
        "models_with_warnings": sum(model["has_warning"] for model in models),
        **{
            field: sum(model["deletion_risk_flags"][flag] for model in models)
            for field, flag in _SUMMARY_FLAGS.items()
        },
        "average_risk_score": round(sum(scores) / len(scores), 2) if scores else 0.0,
        "category_total_month_usage": sum(model["usage_month"] or 0 for model in models),
    }


def _is_candidate(model: RiskModel) -> bool:
    share: float | None = model["usage_percentage_of_category"]
    is_little_used = share is not None and share < CANDIDATE_BELOW_PERCENT
    return bool(model["at_risk"]) or is_little_used or _has_no_workers(model)


def _has_no_workers(model: RiskModel) -> bool:
    return bool(model["worker_count"] == 0)


def _is_incomplete(model: RiskModel) -> bool:
    flags: Mapping[str, bool] = model["deletion_risk_flags"]
    return flags["missing_description"] or flags["missing_baseline"]


_KEEPS: Final[Mapping[str, Callable[[RiskModel], bool]]] = {
    "deletion_candidates": _is_candidate,
    "zero_usage": lambda model: model["usage_month"] == 0,
    "no_workers": _has_no_workers,
    "missing_data": _is_incomplete,
    "host_issues": lambda model: model["has_warning"],
    "critical": lambda model: model["is_critical"],
    "low_usage": lambda model: model["deletion_risk_flags"]["low_usage"],
}
