"""What is known here of others: the reports of all instances, this one included, and the AI-Horde's state."""

import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from horde_model_reference.events import EventInvalid, InstanceReported, parse_event
from read_api.domain.components import READ_API
from read_api.domain.instance_board import InstanceBoard
from read_api.holder import PageHolder
from read_api.horde_watch import HordeWatch
from read_api.role import Role
from read_api.settings import ReadApiSettings
from registry.instance_events import Audience, reporting
from registry.seeding import missing_among
from registry.state_facts import queue_facts, seeding_facts
from service_kit.authentication import Authenticator
from service_kit.cache import Cache
from service_kit.event_bus import EventBus, Message, MessageInvalid
from service_kit.health import Check
from service_kit.instance_reports import Identity, Position, ReportTiming, Subject
from service_kit.key_check import open_key_checker
from service_kit.neighbour_checks import neighbour_checks
from service_kit.object_store import ObjectStore
from service_kit.request_limits import RequestLimits
from service_kit.roles import APPROVER, RoleTable
from service_kit.stores import open_rate_limiter
from service_kit.telemetry import Telemetry

OF_THE_BUS: Final = "events"
"""The check of `/ready` that passes also where there is no broker; in reports only brokers count."""

Facts = Callable[[], Mapping[str, object]]
FindAccess = Callable[[], Authenticator | None]
FindUnseeded = Callable[[], Collection[str] | None]


def nobody() -> Authenticator | None:
    """Return whom to ask about keys where no key is worth more than none."""
    return None


@dataclass(frozen=True, slots=True)
class Around:
    """What the instance leans on; None is what it has not."""

    bus: EventBus | None = None
    store: ObjectStore | None = None
    cache: Cache | None = None


class StatusDesk:
    """Where the reports come together. Before `staffed` there are none, and nobody is an approver.

    `checks` are those of `/ready`; `more_facts` is what other parts of the process have to report;
    `find_access` returns whom to ask about keys, where another part of the process knows; `find_unseeded`
    which categories were never seeded, None where that is not known.
    """

    def __init__(
        self, holder: PageHolder, role: Role | None = None, *, identity: Identity | None = None
    ) -> None:
        self.holder = holder
        self.role = role or Role()
        self.identity = identity or Identity(READ_API)
        self.watch = HordeWatch(holder)
        self.board = InstanceBoard()
        self.checks: tuple[Check, ...] = ()
        self.more_facts: Facts = dict
        self.find_access: FindAccess = nobody
        self.find_unseeded: FindUnseeded = self._unseeded
        self.hears_others = False
        self.cors_origins = 0

    @contextlib.asynccontextmanager
    async def staffed(
        self,
        settings: ReadApiSettings,
        telemetry: Telemetry,
        around: Around,
        *,
        timing: ReportTiming | None = None,
    ) -> AsyncIterator[None]:
        """Report on this instance, and hear the reports of others, until the end of the context."""
        self.cors_origins = len(settings.cors_allowed_origins)
        checks = [
            *(check for check in self.checks if check.name != OF_THE_BUS),
            *neighbour_checks(store=around.store, bus=around.bus, amqp=settings.amqp, redis=around.cache),
        ]
        audience = Audience(around.bus, self.board.take)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._checking_keys(settings, telemetry))
            if around.bus is not None:
                self.hears_others = settings.amqp.configured
                patterns = (InstanceReported.routing_key,)
                await stack.enter_async_context(around.bus.subscribe(patterns, self._hear))
            subject = Subject(self._position, self._facts)
            await stack.enter_async_context(
                reporting(self.identity, checks, subject, audience, timing=timing)
            )
            yield

    @contextlib.asynccontextmanager
    async def _checking_keys(self, settings: ReadApiSettings, telemetry: Telemetry) -> AsyncIterator[None]:
        """Let approvers be known by their keys, where there are any, until the end of the context."""
        roles = RoleTable.from_settings(settings.pending_queue)
        if self.find_access is not nobody or not roles.has_any(APPROVER):
            yield
            return
        async with (
            open_rate_limiter(settings.rate_limits, settings.redis, telemetry) as limiter,
            open_key_checker(settings, telemetry) as checker,
        ):
            proxies = settings.trusted_proxies
            limits = RequestLimits(limiter, settings.rate_limits, telemetry, trusted_proxies=proxies)
            access = Authenticator(checker, roles, limits)
            self.find_access = lambda: access
            yield
            self.find_access = nobody

    async def _hear(self, message: Message) -> None:
        try:
            report = parse_event(message.routing_key, message.body)
        except EventInvalid as error:
            raise MessageInvalid(str(error)) from None
        if isinstance(report, InstanceReported):
            self.board.take(report)

    def _position(self) -> Position:
        holder, pages = self.holder, self.holder.pages
        if pages is None:
            return Position()
        sequence = holder.archive().state.sequence if holder.has_archive else pages.sequence
        return Position(sequence, pages.revision)

    def _unseeded(self) -> Collection[str] | None:
        pages = self.holder.pages
        return missing_among(pages.categories) if pages is not None and self.role.is_primary else None

    def _facts(self) -> Mapping[str, object]:
        if not self.holder.has_archive:
            return self.more_facts()
        state = self.holder.archive().state
        return {**queue_facts(state), **seeding_facts(state), **self.more_facts()}
