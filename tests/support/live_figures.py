"""What the AI-Horde told at one moment, made up, recorded, or of the stand-in; and a source that tells it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from horde_model_reference.integrations.horde_figures import (
    ModelStatus,
    Usage,
    Worker,
    read_status,
    read_usage,
    read_workers,
)
from service_kit.errors import ServiceError
from stats.domain.runtime import HordeKind, Received, RuntimeSnapshot
from support.horde_world import HordeWorld

PUBLISHED_AT = 1_800_000_000.0


def a_status(name: str, threads: int = 1, **more: float) -> ModelStatus:
    given: dict[str, Any] = {"performance": 2.5, "queued": 100, "jobs": 3, "eta": 7, **more}
    return ModelStatus(name=name, threads=threads, **given)


def a_worker(identity: str, *models: str, **more: Any) -> Worker:
    given = {
        "name": f"worker {identity}",
        "performance": "1 megapixelsteps per second",
        "online": True,
        "maintenance_mode": False,
        "trusted": True,
        "uptime": 60,
        **more,
    }
    return Worker(id=identity, models=models, **given)


def a_snapshot(
    kind: HordeKind = HordeKind.IMAGE,
    *,
    status: Sequence[ModelStatus] | None = (),
    usage: Mapping[str, tuple[int, int, int]] | None = None,
    workers: Sequence[Worker] | None = (),
    published_at: float = PUBLISHED_AT,
) -> RuntimeSnapshot:
    """Return what was told; sources that are None never answered. Usage is of day, month, and ever."""
    usages = None if usage is None else {name: Usage(*counts) for name, counts in usage.items()}
    return RuntimeSnapshot(
        kind,
        published_at,
        None if status is None else Received(tuple(status), published_at - 3),
        None if usages is None else Received(usages, published_at - 2),
        None if workers is None else Received(tuple(workers), published_at - 1),
    )


def told_snapshot(
    kind: HordeKind, status: object, usage: object, workers: object, published_at: float = PUBLISHED_AT
) -> RuntimeSnapshot:
    """Return the same from bodies of answers."""
    lines, people = read_status(status), read_workers(workers)
    counts: Mapping[str, Usage] | None = read_usage(usage)
    assert lines is not None
    assert counts is not None
    assert people is not None
    received = Received(lines, published_at), Received(counts, published_at), Received(people, published_at)
    return RuntimeSnapshot(kind, published_at, *received)


def stand_in_snapshots() -> dict[HordeKind, RuntimeSnapshot]:
    """Return everything that the fake AI-Horde of the shared folder tells by default."""
    world = HordeWorld()
    return {
        kind: told_snapshot(kind, world.status(kind), world.usage(kind), world.workers(kind))
        for kind in HordeKind
    }


@dataclass
class ScriptedRuntime:
    """Stands where the feed would; `fails_with` is what waiting raises while there is nothing."""

    snapshots: dict[HordeKind, RuntimeSnapshot] = field(default_factory=dict)
    fails_with: ServiceError | None = None
    waits: list[tuple[HordeKind, float]] = field(default_factory=list)
    callbacks: list[Callable[[HordeKind], None]] = field(default_factory=list)
    on_wait: Callable[[], None] | None = None

    def tell(self, snapshot: RuntimeSnapshot) -> None:
        """Have newer figures."""
        self.snapshots[snapshot.kind] = snapshot
        for callback in self.callbacks:
            callback(snapshot.kind)

    def tell_again(self, kind: HordeKind, **changes: Any) -> None:
        """Have the same figures with changes."""
        self.tell(replace(self.snapshots[kind], **changes))

    def snapshot(self, kind: HordeKind) -> RuntimeSnapshot:
        """Return what was told."""
        return self.snapshots.get(kind, RuntimeSnapshot(kind))

    def on_snapshot(self, callback: Callable[[HordeKind], None]) -> None:
        """Remember whom to tell."""
        self.callbacks.append(callback)

    async def wait_for(self, kind: HordeKind, timeout_seconds: float) -> RuntimeSnapshot:
        """Note the wish and answer at once."""
        self.waits.append((kind, timeout_seconds))
        if self.on_wait is not None:
            self.on_wait()
        if self.fails_with is not None:
            raise self.fails_with
        return self.snapshot(kind)
