"""What speaks for the deletion of a model (statistics.md section 4.2)."""

from typing import Final

from stats.domain.risk_rules import RiskRules, is_text
from stats.domain.risk_subjects import RiskSubject, is_below_share

HOST_FLAGS: Final = ("has_multiple_hosts", "has_non_preferred_host", "has_unknown_host", "no_download_urls")
"""The flags that are warnings."""


def risk_flags(subject: RiskSubject, category: str, total: int, rules: RiskRules) -> dict[str, bool]:
    """Return the eleven flags in the order of the answer; what is unknown sets none.

    `total` is the category's usage in the month.
    """
    usage, hosts = subject.usage, subject.host_flags
    return {
        "zero_usage_day": usage is not None and usage.day == 0,
        "zero_usage_month": usage is not None and usage.month == 0,
        "zero_usage_total": usage is not None and usage.total == 0,
        "no_active_workers": subject.thread_count == 0,
        "has_multiple_hosts": hosts.has_multiple_hosts,
        "has_non_preferred_host": hosts.has_non_preferred_host,
        "has_unknown_host": hosts.has_unknown_host,
        "no_download_urls": hosts.no_download_urls,
        "missing_description": not subject.has_description,
        "missing_baseline": not subject.has_baseline,
        "low_usage": usage is not None
        and is_below_share(usage.month, total, rules.low_usage_below(category)),
    }


def is_critical(subject: RiskSubject, category: str, rules: RiskRules) -> bool:
    """Return whether nobody uses the model and nobody serves it; what is unknown is not critical."""
    if subject.usage is None or subject.thread_count is None:
        return False
    if is_text(category):
        is_unused = subject.usage.month < rules.text_critical_usage
        return is_unused and subject.thread_count < rules.text_critical_workers
    return subject.usage.month == 0 and subject.thread_count == 0
