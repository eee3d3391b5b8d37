"""What the metrics say of runs that succeed and of those that fail."""

from datetime import UTC, datetime

from horde_model_reference.meta_consts import GithubSource
from service_kit.telemetry import Telemetry
from sync_worker.metrics import SyncMetrics
from sync_worker.reports import Result, RunReport
from sync_worker.targets import Target

TARGET = Target(GithubSource.image, "owner", "name", "main", ("clip",))
EARLIER, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)


def test_a_failed_run_is_no_success() -> None:
    telemetry = Telemetry("test")
    metrics = SyncMetrics(telemetry)

    def value(name: str, **labels: str) -> float | None:
        return telemetry.registry.get_sample_value(name, {"repository": "image", **labels})

    metrics.note(RunReport(TARGET, Result.in_step, EARLIER), 0)
    metrics.note(RunReport(TARGET, Result.failed, LATER, failures={"clip": "empty", "owner/name": "away"}), 2)
    assert value("sync_last_success_timestamp_seconds") == EARLIER.timestamp()
    assert value("sync_failed_runs_in_a_row") == 2
    assert value("sync_failures_total", category="clip") == 1
    assert value("sync_failures_total", category="all") == 1
