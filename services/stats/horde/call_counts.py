"""Counts the calls to the AI-Horde."""

from prometheus_client import Histogram

from service_kit.telemetry import CALL_SECONDS, Telemetry


class HordeCallMetrics:
    """Counts the calls."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.calls = Histogram(
            "horde_call_seconds",
            "Calls to the AI-Horde for its figures.",
            ["operation", "outcome"],
            registry=telemetry.registry,
            buckets=CALL_SECONDS,
        )
        self._retries = telemetry.retries.labels("ai-horde")
        self.last_seconds: float | None = None
        """How long the last answer took that was in order."""

    def note_retry(self) -> None:
        """Count another try of a call."""
        self._retries.inc()
