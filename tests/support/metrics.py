"""Reads the metrics of an application as a monitoring system would."""

from prometheus_client.parser import text_string_to_metric_families

from service_kit.telemetry import Telemetry


def sample(telemetry: Telemetry, name: str, **labels: str) -> float:
    """Return the value of one sample; 0 for one that is not there yet."""
    for family in text_string_to_metric_families(telemetry.render().decode()):
        for found in family.samples:
            if found.name == name and found.labels == labels:
                return found.value
    return 0.0
