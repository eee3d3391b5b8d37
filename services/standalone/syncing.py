"""Keeping the legacy GitHub repositories in step as a part of the whole service: its own pages are wanted."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Final

from pydantic import Field

from horde_model_reference.meta_consts import ReplicateMode
from read_api.holder import PageHolder
from registry.content import CatalogueContent
from service_kit.background import running
from service_kit.errors import NotReady
from service_kit.event_bus import EventBus
from service_kit.health import Check
from service_kit.settings import ServiceSettings, SettingsInvalid, load_settings
from service_kit.telemetry import Telemetry
from standalone.seed_sources import SAMPLE_ORIGIN
from standalone.settings import StandaloneSettings
from sync_worker.app import SyncSide
from sync_worker.github.settings import PREFIX
from sync_worker.instance_facts import counting
from sync_worker.intake import EventIntake, work_queue
from sync_worker.keeper import Keeper
from sync_worker.opening import mode_of, open_runs, require_complete
from sync_worker.primary import PrimaryDocuments
from sync_worker.settings import SyncWorkerSettings

WATCH_MODE: Final = f"{PREFIX}WATCH_MODE"
REACHED_WITHIN_SECONDS: Final = 10.0
MADE_UP: Final = "these are the models of the sample, real ones come by `horde-reference seed --from github`"
UNSEEN: Final = "the newest revision cannot be seen at the moment"


class SyncSwitch(ServiceSettings):
    """Whether the service is to do this at all: the settings for it are looked at only then."""

    watch_mode: bool = Field(False, validation_alias=WATCH_MODE)


def sync_settings(settings: StandaloneSettings) -> SyncWorkerSettings | None:
    """Return how GitHub is to be kept in step, None where it is not to be. Raises `SettingsInvalid`."""
    if not load_settings(SyncSwitch).watch_mode:
        return None
    if settings.replicate_mode is not ReplicateMode.PRIMARY:
        raise SettingsInvalid(f"{WATCH_MODE}: a REPLICA keeps nothing in step, only the PRIMARY does")
    return load_settings(SyncWorkerSettings)


class ServedPrimary:
    """The pages that are being served. Implements `sync_worker.primary.DocumentSource`."""

    def __init__(self, holder: PageHolder) -> None:
        self._holder = holder

    async def documents(self, categories: Iterable[str], min_revision: int | None = None) -> PrimaryDocuments:
        asked = tuple(categories)
        try:
            if min_revision is not None:
                await self._holder.reach(min_revision, REACHED_WITHIN_SECONDS)
            pages = self._holder.current()
        except NotReady as error:
            return PrimaryDocuments(None, {}, dict.fromkeys(asked, str(error)))
        if (why := self._why_not()) is not None:
            return PrimaryDocuments(None, {}, dict.fromkeys(asked, why))
        bodies = {name: pages.v1[name].identity for name in asked if name in pages.v1}
        failures = {name: "it was never seeded or written" for name in asked if name not in pages.v1}
        return PrimaryDocuments(pages.revision, bodies, failures)

    def _why_not(self) -> str | None:
        holder = self._holder
        if holder.stale:
            return UNSEEN
        is_sample = holder.has_archive and holder.archive().state.seeded_from == SAMPLE_ORIGIN
        return MADE_UP if is_sample else None

    async def revision(self, category: str) -> int | None:  # noqa: ARG002 - all are of one revision
        return self._holder.current().revision


class Syncing:
    """The sync-worker of a process that is its own primary. Raises `SettingsInvalid`."""

    def __init__(self, settings: SyncWorkerSettings, telemetry: Telemetry) -> None:
        self._settings = settings
        self._mode = mode_of(settings)
        require_complete(settings, self._mode, asks_primary=False)
        self._telemetry = telemetry
        self._side = SyncSide(settings, telemetry)
        self._work: Callable[[], Mapping[str, object]] = dict

    def checks(self) -> Iterator[Check]:
        """Yield checks that only report: everything else works without GitHub."""
        for check in self._side.checks(self._settings):
            yield replace(check, name=f"sync_{check.name}", required=False)

    def facts(self) -> Mapping[str, object]:
        """Return what is reported on the repositories."""
        return {**self._side.subject.facts(), **self._work()}

    def shown(self) -> Mapping[str, object]:
        """Return what `/ready` says about the repositories."""
        return {"sync": self._side.shown()}

    @contextlib.asynccontextmanager
    async def working(self, holder: PageHolder, bus: EventBus) -> AsyncIterator[None]:
        """Keep GitHub in step with the pages, from the first ones on, until the end of the context."""
        source = ServedPrimary(holder)
        async with open_runs(self._settings, self._mode, self._telemetry, source=source) as opened:
            keepers = self._side.open(opened, self._settings, bus)
            async with (
                counting(bus, self._settings.amqp) as self._work,
                running(*(_begun_when_loaded(holder, keeper) for keeper in keepers)),
                self._hearing(holder, keepers, bus),
            ):
                yield

    def _hearing(
        self, holder: PageHolder, keepers: tuple[Keeper, ...], bus: EventBus
    ) -> AbstractAsyncContextManager[None]:
        """Hear of changes where one of several instances is told, or else from the pages themselves."""
        if self._settings.amqp.configured:
            queue = work_queue(self._settings.amqp.exchange)
            return EventIntake(keepers, self._side.metrics, queue).listening(bus)

        def hear(content: CatalogueContent | None) -> None:
            for keeper in keepers:
                keeper.hear(content.revision if content else None)

        holder.on_content(hear)
        return contextlib.nullcontext()


async def _begun_when_loaded(holder: PageHolder, keeper: Keeper) -> None:
    await holder.loaded()
    await keeper.run()
