"""What is judged for deletion: a model, or a family of text models (statistics.md sections 4.1 and 4.5)."""

from dataclasses import dataclass
from typing import Any

from horde_model_reference.integrations.horde_figures import Usage
from horde_model_reference.integrations.horde_merge import ModelFigures
from stats.domain.backend_variations import risk_variations
from stats.domain.download_hosts import Downloads, downloads_of, is_preferred
from stats.domain.record_facts import Record, positive_number_of, text_of
from stats.domain.risk_rules import RiskRules, is_text


@dataclass(frozen=True, slots=True)
class HostFlags:
    """What is wrong with the places of the files."""

    has_multiple_hosts: bool = False
    has_non_preferred_host: bool = False
    has_unknown_host: bool = False
    no_download_urls: bool = False


@dataclass(frozen=True, slots=True)
class RiskSubject:
    """Record and figures of a model, or those of a family together. None: the source did not tell.

    `share` is the percentage of the category's usage in the month, 4 decimals.
    """

    name: str
    usage: Usage | None
    share: float | None
    thread_count: int | None
    workers: frozenset[str] | None
    size_bytes: int | float | None
    baseline: str | None
    nsfw: bool
    has_description: bool
    has_baseline: bool
    download_count: int
    download_hosts: tuple[str, ...]
    host_flags: HostFlags
    variations: list[dict[str, Any]] | None

    @property
    def usage_month(self) -> int:
        """Return the usage of the month, 0 where it is unknown: to sort and to add up."""
        return self.usage.month if self.usage else 0


@dataclass(frozen=True, slots=True)
class SubjectReader:
    """Makes subjects of the models of one category. `total` is the category's usage in the month."""

    category: str
    total: int
    rules: RiskRules

    def read(self, name: str, record: Record, figures: ModelFigures) -> RiskSubject:
        """Return what is judged of one model."""
        downloads = downloads_of(record)
        description, baseline = text_of(record, "description"), text_of(record, "baseline")
        workers = figures.workers
        return RiskSubject(
            name=name,
            usage=figures.usage,
            share=None if figures.usage is None else percentage(figures.usage.month, self.total),
            thread_count=figures.thread_count,
            workers=None if workers is None else frozenset(worker.id for worker in workers),
            size_bytes=None if is_text(self.category) else positive_number_of(record, "size_on_disk_bytes"),
            baseline=baseline,
            nsfw=record.get("nsfw") is True,
            has_description=bool(description and description.strip()),
            has_baseline=bool(baseline),
            download_count=downloads.count,
            download_hosts=downloads.different_hosts,
            host_flags=self._host_flags(downloads),
            variations=risk_variations(name, figures) if is_text(self.category) else None,
        )

    def _host_flags(self, downloads: Downloads) -> HostFlags:
        if not self.rules.judges_hosts(self.category):
            return HostFlags()
        hosts = downloads.different_hosts
        return HostFlags(
            has_multiple_hosts=len(hosts) > 1,
            has_non_preferred_host=not all(is_preferred(one, self.rules.preferred_hosts) for one in hosts),
            has_unknown_host=downloads.has_unreadable_url,
            no_download_urls=not hosts,
        )


def percentage(usage_month: int, total: int) -> float:
    """Return the share of the category's usage, 4 decimals; 0 when nothing was used."""
    return round(usage_month / total * 100, 4) if total > 0 else 0.0


def is_below_share(usage_month: int, total: int, limit: float) -> bool:
    """Return whether the unrounded share is below the limit, in percent; never when nothing was used."""
    return total > 0 and usage_month / total * 100 < limit
