"""Metrics of the runs."""

from prometheus_client import Counter, Gauge

from service_kit.telemetry import Telemetry
from sync_worker.reports import RunReport


class SyncMetrics:
    """What the last runs said; `repository` is `image` or `text`."""

    def __init__(self, telemetry: Telemetry) -> None:
        registry = telemetry.registry
        self._runs = Counter(
            "sync_runs", "Runs, by what they did.", ["repository", "result"], registry=registry
        )
        self._failures = Counter(
            "sync_failures",
            "What could not be carried over in a run: a category, or `all` of a repository.",
            ["repository", "category"],
            registry=registry,
        )
        self._drift = Gauge(
            "sync_drift",
            "Records that GitHub has otherwise, at the last comparison.",
            ["repository", "category"],
            registry=registry,
        )
        self._warnings = Gauge(
            "sync_warnings",
            "What the last run could not do but matters less.",
            ["repository"],
            registry=registry,
        )
        self._failing = Gauge(
            "sync_failed_runs_in_a_row",
            "Runs that failed since the last success.",
            ["repository"],
            registry=registry,
        )
        self._success = Gauge(
            "sync_last_success_timestamp_seconds",
            "When the last run that succeeded began; 0 before the first.",
            ["repository"],
            registry=registry,
        )
        self._pull = Gauge(
            "sync_open_pull_request_created_timestamp_seconds",
            "When the open pull request was made; 0 without one.",
            ["repository"],
            registry=registry,
        )
        self.events_parked = Counter(
            "sync_events_parked", "Events that were given up and lie in the dead letters.", registry=registry
        )

    def prepare(self, repository: str) -> None:
        """Show the series of a repository before its first run, so that alerts see them rise."""
        self._success.labels(repository).set(0)
        self._failing.labels(repository).set(0)
        self._failures.labels(repository, "all")

    def note(self, report: RunReport, failures: int) -> None:
        """Take a run; `failures` is how many failed one after another."""
        repository = report.target.source.value
        self._runs.labels(repository, report.result.value).inc()
        self._failing.labels(repository).set(failures)
        self._warnings.labels(repository).set(len(report.warnings))
        for what in report.failures or {}:
            category = what if what in report.target.categories else "all"
            self._failures.labels(repository, category).inc()
        for category, total in report.totals.items():
            self._drift.labels(repository, category).set(total)
        if not report.has_failed:
            self._success.labels(repository).set(report.started_at.timestamp())
            self._pull.labels(repository).set(report.pull.created_at.timestamp() if report.pull else 0)
