"""When an instance reports on itself, and what it says."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime

from service_kit.check_standings import CheckStandings
from service_kit.errors import NotReady
from service_kit.health import Check
from service_kit.instance_reports import (
    Identity,
    InstanceReport,
    InstanceReporter,
    Position,
    ReportTiming,
    Subject,
)
from support.a_clock import AClock
from support.event_listeners import eventually

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)


class Instance:
    """An instance whose reports are kept; they cannot be told while it is `alone`."""

    def __init__(self) -> None:
        self.clock = AClock()
        self.position = Position(7, 3)
        self.reports: list[InstanceReport] = []
        self.alone = False
        self.failure: Exception | None = None
        self.checks_run = 0
        timing = ReportTiming(jitter=0.0, look_seconds=0.001, monotonic=self.clock, wall=lambda: NOW)
        standings = CheckStandings([Check("catalogue", self._check)])
        subject = Subject(lambda: self.position, self._facts)
        self.reporter = InstanceReporter(Identity("read-api"), standings, subject, self._tell, timing)

    @property
    def states(self) -> list[str]:
        return [report.state for report in self.reports]

    async def _check(self) -> None:
        self.checks_run += 1
        if self.failure is not None:
            raise self.failure

    def _facts(self) -> Mapping[str, object]:
        return {"queue": {"pending": 1, "approved": 0}}

    def _tell(self, report: InstanceReport) -> bool:
        self.reports.append(report)
        return not self.alone


async def test_first_checks_are_run_and_told_at_once() -> None:
    instance = Instance()
    await instance.reporter.step()
    [report] = instance.reports
    assert (report.number, report.state, report.at, report.position) == (1, "running", NOW, Position(7, 3))
    assert [check.name for check in report.checks] == ["catalogue"]
    assert report.facts == {"queue": {"pending": 1, "approved": 0}}


async def test_nothing_is_told_between_two_intervals() -> None:
    instance = Instance()
    await instance.reporter.step()
    instance.clock.advance(9.9)
    await instance.reporter.step()
    assert (len(instance.reports), instance.checks_run) == (1, 1)
    instance.clock.advance(0.1)
    await instance.reporter.step()
    assert ([report.number for report in instance.reports], instance.checks_run) == ([1, 2], 2)


async def test_new_position_is_told_without_waiting_and_without_checks() -> None:
    instance = Instance()
    await instance.reporter.step()
    instance.position = Position(8, 4)
    await instance.reporter.step()
    await instance.reporter.step()
    assert [report.position.revision for report in instance.reports] == [3, 4]
    assert instance.checks_run == 1


async def test_report_that_could_not_be_told_is_told_as_soon_as_it_can_be() -> None:
    instance = Instance()
    instance.alone = True
    await instance.reporter.step()
    await instance.reporter.step()
    instance.alone = False
    await instance.reporter.step()
    await instance.reporter.step()
    assert [report.number for report in instance.reports] == [1, 2, 3]


async def test_instance_is_starting_until_it_was_ready_once() -> None:
    instance = Instance()
    instance.failure = NotReady("loading")
    await instance.reporter.step()
    instance.failure = None
    await instance.reporter.step()
    instance.failure = NotReady("lost")
    instance.clock.advance(10)
    await instance.reporter.step()
    instance.reporter.report(stopping=True)
    assert instance.states == ["starting", "running", "running", "stopping"]


async def test_running_reports_at_once_and_goes_on() -> None:
    instance = Instance()
    task = asyncio.create_task(instance.reporter.run())
    await eventually(lambda: len(instance.reports) >= 2)
    instance.position = Position(9, 5)
    await eventually(lambda: instance.reports[-1].position.revision == 5)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert instance.states[:2] == ["starting", "running"]


def test_instances_draw_ids_that_tell_nothing() -> None:
    one, other = Identity("read-api"), Identity("read-api")
    assert one.instance_id != other.instance_id
    assert one.host not in one.instance_id


def test_pause_spreads_around_the_interval() -> None:
    timing = ReportTiming(interval_seconds=10.0, jitter=0.1)
    pauses = [timing.pause_seconds() for _ in range(200)]
    assert all(9 <= pause <= 11 for pause in pauses)
    assert len(set(pauses)) > 100
