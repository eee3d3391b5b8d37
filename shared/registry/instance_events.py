"""The reports of an instance on the event bus."""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import asdict, dataclass

from horde_model_reference.events import InstanceReported
from service_kit.background import running, said_loudly
from service_kit.check_standings import CheckStandings
from service_kit.event_bus import EventBus
from service_kit.health import Check
from service_kit.instance_reports import (
    Identity,
    InstanceReport,
    InstanceReporter,
    ReportTiming,
    Subject,
)

OnReport = Callable[[InstanceReported], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears of the reports: everybody on the bus, and somebody in this process."""

    bus: EventBus | None = None
    on_report: OnReport | None = None

    def tell(self, report: InstanceReport) -> bool:
        """Pass a report on. While the broker is away it is not: it would only wait there, and be old."""
        event = event_of(report)
        if self.on_report is not None:
            self.on_report(event)
        if self.bus is None:
            return True
        if self.bus.failure is not None:
            return False
        self.bus.publish(event.routing_key, event.render())
        return True


def event_of(report: InstanceReport) -> InstanceReported:
    """Return the event that says the same."""
    identity, position = report.identity, report.position
    return InstanceReported.model_validate(
        {
            **report.facts,
            "occurred_at": report.at,
            "service": identity.service,
            "parts": identity.parts or (identity.service,),
            "instance_id": identity.instance_id,
            "number": report.number,
            "version": identity.version,
            "host": identity.host[:253],
            "started_at": identity.started_at,
            "state": report.state,
            "sequence": position.sequence,
            "revision": position.revision,
            "checks": [asdict(check) for check in report.checks],
        }
    )


@contextlib.asynccontextmanager
async def reporting(
    identity: Identity,
    checks: Iterable[Check],
    subject: Subject,
    audience: Audience,
    *,
    timing: ReportTiming | None = None,
) -> AsyncIterator[None]:
    """Report on this instance until the end of the context, which is told as well."""
    timing = timing or ReportTiming()
    standings = CheckStandings(tuple(checks), wall=timing.wall)
    reporter = InstanceReporter(identity, standings, subject, audience.tell, timing)
    # without them others will miss this instance
    on_end = said_loudly(log, "this instance does not report on itself any more")
    try:
        async with running(reporter.run(), on_end=on_end):
            yield
    finally:
        reporter.report(stopping=True)
