"""Counts the calls to GitHub."""

from prometheus_client import Counter, Gauge, Histogram

from service_kit.telemetry import CALL_SECONDS, Telemetry
from sync_worker.github.errors import RateLimited
from sync_worker.github.transport import HttpAnswer


class GithubMetrics:
    """One for each process."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.calls = Histogram(
            "github_call_seconds",
            "Calls to GitHub, by what they do and how it ended.",
            ["operation", "outcome"],
            registry=telemetry.registry,
            buckets=CALL_SECONDS,
        )
        self._limits = Counter(
            "github_limits_total",
            "How often GitHub wanted to be left alone, by the kind of its limit.",
            ["limit"],
            registry=telemetry.registry,
        )
        self._quota = Gauge(
            "github_quota_remaining",
            "Calls that GitHub allows until the end of the hour; -1 before the first answer.",
            registry=telemetry.registry,
        )
        self._quota.set(-1)
        self._retries = telemetry.retries.labels("github")

    def note_retry(self) -> None:
        """Count another try of a call."""
        self._retries.inc()

    def note_limit(self, limit: RateLimited) -> None:
        """Count that GitHub wanted to be left alone."""
        self._limits.labels("secondary" if limit.is_secondary else "primary").inc()

    def note_answer(self, answer: HttpAnswer) -> None:
        """Take note of how many calls are left."""
        remaining = answer.headers.get("x-ratelimit-remaining", "")
        if remaining.isascii() and remaining.isdigit() and len(remaining) < 10:
            self._quota.set(int(remaining))
