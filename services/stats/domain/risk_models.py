"""The deletion risk of one model or family as a JSON value (statistics.md section 4.1)."""

from dataclasses import dataclass
from typing import Any, Final

from horde_model_reference.integrations.horde_figures import Number, Usage
from stats.domain.risk_flags import HOST_FLAGS, is_critical, risk_flags
from stats.domain.risk_rules import RiskRules
from stats.domain.risk_subjects import RiskSubject

BYTES_PER_GIB: Final = 1024**3


@dataclass(frozen=True, slots=True)
class RiskRenderer:
    """Renders the subjects of one category. `total` is the category's usage in the month."""

    category: str
    total: int
    rules: RiskRules

    def render(self, subject: RiskSubject) -> dict[str, Any]:
        """Return the members of the answer in their order; figures that are unknown are null."""
        flags = risk_flags(subject, self.category, self.total, self.rules)
        usage, size = subject.usage, subject.size_bytes
        return {
            "name": subject.name,
            "category": self.category,
            "deletion_risk_flags": flags,
            "at_risk": any(flags.values()),
            "risk_score": sum(flags.values()),
            "worker_count": subject.thread_count,
            "usage_day": usage.day if usage else None,
            "usage_month": usage.month if usage else None,
            "usage_total": usage.total if usage else None,
            "usage_hour": None,
            "usage_minute": None,
            "usage_percentage_of_category": subject.share,
            "usage_trend": _trend(usage),
            "cost_benefit_score": _cost_benefit(usage, size),
            "size_gb": round(size / BYTES_PER_GIB, 2) if size else None,
            "baseline": subject.baseline,
            "nsfw": subject.nsfw,
            "has_description": subject.has_description,
            "download_count": subject.download_count,
            "download_hosts": list(subject.download_hosts),
            "backend_variations": subject.variations,
            "is_critical": is_critical(subject, self.category, self.rules),
            "has_warning": any(flags[name] for name in HOST_FLAGS),
            "thread_count": subject.thread_count,
            "active_worker_count": None if subject.workers is None else len(subject.workers),
        }


def _trend(usage: Usage | None) -> dict[str, float | None]:
    day, month, total = (usage.day, usage.month, usage.total) if usage else (0, 0, 0)
    return {
        "day_to_month_ratio": day / month if month else None,
        "month_to_total_ratio": month / total if total else None,
    }


def _cost_benefit(usage: Usage | None, size_bytes: Number | None) -> float | None:
    if usage is None or not size_bytes:
        return None
    return round(usage.month / (size_bytes / BYTES_PER_GIB), 2)
