"""What is counted of the calls to a PRIMARY."""

import pytest

from horde_model_reference.replica.errors import SourceFailed, SourceUnavailable
from read_api.replica.call_metrics import PrimaryCalls
from service_kit.telemetry import Telemetry
from support.metrics import sample


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(SourceUnavailable("away"), "SourceUnavailable"), (KeyError("a bug"), "interrupted")],
)
def test_a_call_that_failed_is_counted_under_its_error(error: Exception, outcome: str) -> None:
    telemetry = Telemetry("a-test")
    calls = PrimaryCalls(telemetry)
    with pytest.raises((SourceFailed, KeyError)), calls.measured("bundle"):
        raise error
    assert sample(telemetry, "primary_call_seconds_count", operation="bundle", outcome=outcome) == 1


def test_a_call_that_succeeded_is_counted_as_such() -> None:
    telemetry = Telemetry("a-test")
    with PrimaryCalls(telemetry).measured("bundle"):
        pass
    assert sample(telemetry, "primary_call_seconds_count", operation="bundle", outcome="ok") == 1
