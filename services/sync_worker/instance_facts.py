"""What an instance of the sync-worker says of itself."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from registry.instance_events import Audience, reporting
from service_kit.event_bus import EventBus, QueueDepths
from service_kit.health import Check
from service_kit.instance_reports import Identity, Position, Subject
from service_kit.neighbour_checks import neighbour_checks
from service_kit.settings import AmqpSettings
from sync_worker.github.client import Github
from sync_worker.intake import work_queue
from sync_worker.keeper import Keeper

MAX_TEXT: Final = 300


@dataclass(frozen=True, slots=True)
class SyncSubject:
    """The keepers of a process, and GitHub as they ask it."""

    keepers: Sequence[Keeper]
    github: Github | None = None

    def position(self) -> Position:
        """Return which revision every repository was last brought in step with."""
        done = [keeper.last_success.revision for keeper in self.keepers if keeper.last_success is not None]
        known = [revision for revision in done if revision is not None]
        return Position(revision=min(known)) if known and len(known) == len(self.keepers) else Position()

    def facts(self) -> Mapping[str, object]:
        """Return what is known of each repository, and how long GitHub's last answer took."""
        seconds = self.github.call_seconds if self.github is not None else None
        return {
            "repositories": [_repository(keeper) for keeper in self.keepers],
            "latencies": {} if seconds is None else {"github": seconds},
        }


@contextlib.asynccontextmanager
async def counting(bus: EventBus, amqp: AmqpSettings) -> AsyncIterator[Callable[[], Mapping[str, object]]]:
    """Yield a function that returns how much lies in the work queue; nothing where there is no broker."""
    if not amqp.configured:
        yield dict
        return
    async with bus.counting(work_queue(amqp.exchange)) as count:
        yield lambda: _work(count())


@contextlib.asynccontextmanager
async def reported(
    identity: Identity,
    subject: SyncSubject,
    checks: Sequence[Check],
    bus: EventBus,
    amqp: AmqpSettings,
) -> AsyncIterator[None]:
    """Report on the instance until the end of the context; `checks` are those of the repositories."""
    async with counting(bus, amqp) as work:

        def facts() -> Mapping[str, object]:
            return {**subject.facts(), **work()}

        of_github = (replace(check, required=False) for check in checks)  # it works also when that is away
        every_check = [*of_github, *neighbour_checks(bus=bus, amqp=amqp)]
        async with reporting(identity, every_check, Subject(subject.position, facts), Audience(bus)):
            yield


def _work(depths: QueueDepths | None) -> Mapping[str, object]:
    return {} if depths is None else {"work": asdict(depths)}


def _repository(keeper: Keeper) -> Mapping[str, object]:
    last, target = keeper.last, keeper.target
    known: dict[str, object] = {
        "source": target.source.value,
        "repository": target.full_name,
        "failed_runs": keeper.failures,
    }
    if last is None:
        return known
    pull = last.pull
    failures = {what: why[:MAX_TEXT] for what, why in (last.failures or {}).items()}
    return known | {
        "result": last.result.value,
        "compared_at": last.started_at,
        "revision": last.revision,
        "drift": last.totals,
        "failures": failures,
        "pull_number": pull.number if pull else None,
        "pull_url": pull.url if pull and len(pull.url) <= MAX_TEXT else "",
    }
