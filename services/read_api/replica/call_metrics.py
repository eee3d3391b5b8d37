"""Metrics of the calls to a PRIMARY."""

import contextlib
import time
from collections.abc import Iterator

from prometheus_client import Histogram

from horde_model_reference.replica.errors import SourceFailed
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

    @contextlib.contextmanager
    def measured(self, operation: str) -> Iterator[None]:
        """Observe the seconds of the block, labelled with how it ended: `ok`, or the error."""
        started = time.perf_counter()
        outcome = "interrupted"  # by a cancellation, or by a bug
        try:
            yield
            outcome = "ok"
        except SourceFailed as error:
            outcome = type(error).__name__
            raise
        finally:
            self._seconds.labels(operation, outcome).observe(time.perf_counter() - started)
