"""The sync-worker as a process of its own: health and metrics over HTTP, everything else by itself."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from typing import Final

from aiohttp import web

from service_kit.background import running
from service_kit.buses import bus_check, open_event_bus
from service_kit.errors import NotReady
from service_kit.event_bus import EventBus
from service_kit.health import Check, add_health_routes
from service_kit.instance_reports import Identity
from service_kit.telemetry import Telemetry
from service_kit.web import create_application
from sync_worker.github.client import Github
from sync_worker.instance_facts import SyncSubject, reported
from sync_worker.intake import EventIntake, event_of, watch, work_queue
from sync_worker.keeper import Keeper
from sync_worker.metrics import SyncMetrics
from sync_worker.opening import Opened, Patience, agenda_times, mode_of, open_runs, require_complete
from sync_worker.reports import RunReport
from sync_worker.settings import SyncWorkerSettings
from sync_worker.targets import targets_of

SERVICE: Final = "sync-worker"


class SyncSide:
    """The keepers of one process, as its health routes see them: none before they are opened."""

    def __init__(self, settings: SyncWorkerSettings, telemetry: Telemetry) -> None:
        self.metrics = SyncMetrics(telemetry)
        self.bus: EventBus | None = None
        self.keepers: tuple[Keeper, ...] = ()
        self._github: Github | None = None
        for target in targets_of(settings):
            self.metrics.prepare(target.source.value)

    def open(self, opened: Opened, settings: SyncWorkerSettings, bus: EventBus) -> tuple[Keeper, ...]:
        """Make the keepers, and tell what comes of their runs."""
        self.bus, self._github = bus, opened.github
        times = agenda_times(settings)
        self.keepers = tuple(Keeper(run, times, self._take) for run in opened.runs)
        return self.keepers

    def _take(self, report: RunReport) -> None:
        [keeper] = [keeper for keeper in self.keepers if keeper.target == report.target]
        self.metrics.note(report, keeper.failures)
        if self.bus is not None:
            event = event_of(report)
            self.bus.publish(event.routing_key, event.render())

    def shown(self) -> Mapping[str, object]:
        """Return what the health body says about the repositories."""
        return {"repositories": {keeper.target.source.value: _shown(keeper) for keeper in self.keepers}}

    def checks(self, settings: SyncWorkerSettings) -> Iterator[Check]:
        """Yield the checks that the last run of each repository succeeded."""
        for target in targets_of(settings):
            source = target.source.value
            yield Check(source, partial(self._require_success, source))

    @property
    def subject(self) -> SyncSubject:
        """What is reported on."""
        return SyncSubject(self.keepers, self._github)

    async def require_events(self) -> None:
        """Raise `NotReady` when the broker is away."""
        if self.bus is not None:
            await bus_check(self.bus).run()

    async def _require_success(self, source: str) -> None:
        last = next((keeper.last for keeper in self.keepers if keeper.target.source.value == source), None)
        if last is None:
            raise NotReady("not compared yet")
        if last.has_failed:
            raise NotReady("; ".join(f"{what}: {why}" for what, why in (last.failures or {}).items()))


def create_app(settings: SyncWorkerSettings, *, patience: Patience | None = None) -> web.Application:
    """Build a fresh application. It starts although its neighbours are down, and attaches later.

    Raises `SettingsInvalid` when a setting is missing. `patience` is for tests.
    """
    mode = mode_of(settings)
    require_complete(settings, mode)
    telemetry = Telemetry(SERVICE)
    side = SyncSide(settings, telemetry)
    application = create_application(settings, telemetry)

    async def work(_: web.Application) -> AsyncIterator[None]:
        async with (
            open_event_bus(settings.amqp, telemetry) as bus,
            open_runs(settings, mode, telemetry, patience) as opened,
            running(*(keeper.run() for keeper in side.open(opened, settings, bus))),
            _hearing(side, opened, settings, bus),
            reported(Identity(SERVICE), side.subject, tuple(side.checks(settings)), bus, settings.amqp),
        ):
            yield

    application.cleanup_ctx.append(work)
    events = Check("events", side.require_events, required=False)
    add_health_routes(application, [*side.checks(settings), events], details=side.shown)
    return application


@contextlib.asynccontextmanager
async def _hearing(
    side: SyncSide, opened: Opened, settings: SyncWorkerSettings, bus: EventBus
) -> AsyncIterator[None]:
    """Hear of changes from the broker, or ask the primary where there is none."""
    if settings.amqp.configured:
        queue = work_queue(settings.amqp.exchange)
        async with EventIntake(side.keepers, side.metrics, queue).listening(bus):
            yield
        return
    async with running(watch(opened.primary, side.keepers, settings.watch_interval_seconds)):
        yield


def _shown(keeper: Keeper) -> dict[str, object]:
    success = keeper.last_success
    return {
        "last_success": success.started_at.isoformat() if success else None,
        "failures_in_a_row": keeper.failures,
        "last_run": keeper.last.shown() if keeper.last else None,
    }
