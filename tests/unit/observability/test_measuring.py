"""The meters measure what they say."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from service_kit.loop_lag import measuring_loop_lag
from service_kit.machine_metrics import MachineMetrics
from service_kit.product_version import PRODUCT_VERSION
from service_kit.revision_lag import RevisionLag
from service_kit.telemetry import Telemetry
from support.metrics import sample

COMMITTED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def lags(telemetry: Telemetry) -> tuple[float, float]:
    name = "revision_lag_seconds"
    return tuple(sample(telemetry, f"{name}{suffix}", part="catalogue") for suffix in ("_count", "_sum"))  # type: ignore[return-value] # two


def a_lag(telemetry: Telemetry, seconds_later: float) -> RevisionLag:
    return RevisionLag(
        telemetry.revision_lag, "catalogue", clock=lambda: COMMITTED.timestamp() + seconds_later
    )


def test_lag_of_a_revision_is_from_its_commit() -> None:
    telemetry = Telemetry("test")
    lag = a_lag(telemetry, 2.5)
    lag.reached(7, COMMITTED)  # what is there at the start
    lag.reached(8, COMMITTED)
    lag.reached(8, COMMITTED)
    assert lags(telemetry) == (1.0, 2.5)


def test_clock_of_the_writer_may_be_ahead_of_ours() -> None:
    telemetry = Telemetry("test")
    lag = a_lag(telemetry, -3.0)
    lag.reached(1, COMMITTED)
    lag.reached(2, COMMITTED)
    assert lags(telemetry) == (1.0, 0.0)


def test_after_a_restored_backup_lags_are_measured_again() -> None:
    telemetry = Telemetry("test")
    lag = a_lag(telemetry, 1.0)
    for revision in (7, 3, 4):
        lag.reached(revision, COMMITTED)
    assert lags(telemetry) == (1.0, 1.0)


async def test_blocked_event_loop_is_seen() -> None:
    telemetry = Telemetry("test")
    async with measuring_loop_lag(telemetry.loop_lag, interval_seconds=0.001):
        await asyncio.sleep(0.01)
        time.sleep(0.06)  # noqa: ASYNC251 - this is what is to be seen
        await asyncio.sleep(0.01)
    assert sample(telemetry, "event_loop_lag_seconds_count") > sample(
        telemetry, "event_loop_lag_seconds_bucket", le="0.05"
    )


def test_build_is_told() -> None:
    telemetry = Telemetry("read-api")
    assert sample(telemetry, "build_info", service="read-api", version=PRODUCT_VERSION) == 1.0


def test_directory_tells_its_room_once_it_is_there(tmp_path: Path) -> None:
    machine = MachineMetrics()
    machine.watch_directory(tmp_path / "data")
    assert b"data_directory_free_bytes{" not in machine.render()
    (tmp_path / "data").mkdir()
    machine.watch_directory(tmp_path / "data")
    found = {
        one.name: one.value
        for family in text_string_to_metric_families(machine.render().decode())
        for one in family.samples
        if one.labels == {"directory": str(tmp_path / "data")}
    }
    assert 0 <= found["data_directory_free_bytes"] <= found["data_directory_size_bytes"]


async def test_everything_is_rendered_once_whatever_is_asked_for_together() -> None:
    telemetry = Telemetry("test")
    for text in await asyncio.gather(telemetry.render_all(), telemetry.render_all()):
        names = [family.name for family in text_string_to_metric_families(text.decode())]
        assert {"http_request_duration_seconds", "process_open_fds", "python_info"} <= set(names)
        assert len(names) == len(set(names))


def test_held_answers_are_counted() -> None:
    telemetry = Telemetry("test")
    for hit in (True, False, False):
        telemetry.count_answer(hit=hit)
    found = {
        outcome: sample(telemetry, "answer_cache_lookups_total", outcome=outcome)
        for outcome in ("hit", "miss")
    }
    assert found == {"hit": 1.0, "miss": 2.0}


def test_no_series_tells_when_another_one_was_made() -> None:
    telemetry = Telemetry("test")
    telemetry.retries.labels("x").inc()
    assert b"_created" not in telemetry.render()
