"""Metrics of the calls to a PRIMARY."""

from contextlib import AbstractContextManager

from prometheus_client import Histogram

from horde_model_reference.replica.errors import SourceFailed
from service_kit.call_metrics import measured
from service_kit.telemetry import CALL_SECONDS, Telemetry


class PrimaryCalls:
    """The histogram `primary_call_seconds` by operation and outcome."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._seconds = Histogram(
            "primary_call_seconds",
            "Calls to the PRIMARY, with their repetitions.",
            ("operation", "outcome"),
            registry=telemetry.registry,
            buckets=CALL_SECONDS,
        )

    def measured(self, operation: str) -> AbstractContextManager[None]:
        """Observe the seconds of a block, labelled with how it ended: `ok`, or the error."""
        return measured(self._seconds, operation, SourceFailed)
