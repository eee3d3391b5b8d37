"""What the adapters of the event bus count."""

from enum import StrEnum

from service_kit.telemetry import Telemetry


class Published(StrEnum):
    """How the publishing of an event ended."""

    confirmed = "confirmed"
    unheard = "unheard"  # nobody listens to it
    dropped = "dropped"  # the buffer overflowed, or the bus is closed
    refused = "refused"  # after several tries
    unsent = "unsent"  # still waiting at the end


class Received(StrEnum):
    """How the handling of a message ended."""

    handled = "handled"
    failed = "failed"
    invalid = "invalid"


class EventBusMetrics:
    """The metrics of one bus; without telemetry nothing is counted."""

    def __init__(self, telemetry: Telemetry | None = None) -> None:
        self._telemetry = telemetry

    @property
    def service(self) -> str:
        """The service that uses the bus."""
        return self._telemetry.service if self._telemetry else ""

    def published(self, routing_key: str, outcome: Published, seconds: float | None = None) -> None:
        """Count an event; `seconds` is how long it took to hand it over."""
        if self._telemetry is None:
            return
        self._telemetry.events_published.labels(routing_key, outcome.value).inc()
        if seconds is not None:
            self._telemetry.event_publish_seconds.observe(seconds)

    def received(self, subscription: str, outcome: Received) -> None:
        """Count a delivery."""
        if self._telemetry is not None:
            self._telemetry.events_received.labels(subscription, outcome.value).inc()

    def lag(self, subscription: str, seconds: float) -> None:
        """Take how old an event was when it was first handed over."""
        if self._telemetry is not None:
            self._telemetry.event_lag.labels(subscription).observe(seconds)

    def given_up(self, queue: str) -> None:
        """Count an event that became a dead letter."""
        if self._telemetry is not None:
            self._telemetry.dead_letters.labels(queue).inc()

    def waiting(self, count: int) -> None:
        """Show how many events wait."""
        if self._telemetry is not None:
            self._telemetry.events_waiting.set(count)

    def attached(self, session: str, *, yes: bool) -> None:
        """Show whether a part of the bus is connected."""
        if self._telemetry is not None:
            self._telemetry.event_bus_attached.labels(session).set(int(yes))

    def reconnecting(self) -> None:
        """Count another try to connect."""
        if self._telemetry is not None:
            self._telemetry.retries.labels("amqp").inc()
