"""The totals of the figures as metrics."""

from horde_model_reference.integrations.horde_figures import Usage
from horde_model_reference.integrations.horde_merge import CategoryFigures, Unattributed
from service_kit.telemetry import Telemetry
from stats.totals_metrics import TotalsMetrics
from support.metrics import sample
from support.past_figures import IMAGE, TEXT, UNKNOWN, figures, model_figures


def telemetry_of(found: dict[str, CategoryFigures]) -> Telemetry:
    telemetry = Telemetry("stats")
    telemetry.registry.register(TotalsMetrics(lambda: found))
    return telemetry


def test_totals_of_each_category_are_told() -> None:
    models = {
        "m": model_figures(3, ("a", "b"), Usage(1, 10, 100)),
        "n": model_figures(2, ("b",), Usage(2, 20, 200)),
    }
    rest = Unattributed(("x", "y"), 7, Usage(4, 5, 6))
    telemetry = telemetry_of({TEXT: figures(models, rest), IMAGE: figures({"i": model_figures(1)})})
    assert sample(telemetry, "horde_threads", category=TEXT) == 5
    assert sample(telemetry, "horde_threads", category=IMAGE) == 1
    assert sample(telemetry, "horde_workers", category=TEXT) == 2
    assert sample(telemetry, "horde_usage", category=TEXT, period="day") == 3
    assert sample(telemetry, "horde_usage", category=TEXT, period="month") == 30
    assert sample(telemetry, "horde_usage", category=TEXT, period="total") == 300
    assert sample(telemetry, "horde_unattributed_names", category=TEXT) == 2
    assert sample(telemetry, "horde_unattributed_threads", category=TEXT) == 7
    assert sample(telemetry, "horde_unattributed_usage", category=TEXT, period="month") == 5


def test_what_is_unknown_has_no_sample() -> None:
    text = telemetry_of({TEXT: figures({"m": UNKNOWN})}).render().decode()
    samples = [line for line in text.splitlines() if line.startswith("horde_")]
    assert samples == ['horde_unattributed_names{category="text_generation"} 0.0']


def test_before_the_first_figures_there_is_nothing() -> None:
    text = telemetry_of({}).render().decode()
    assert [line for line in text.splitlines() if line.startswith("horde_")] == []
