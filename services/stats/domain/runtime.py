"""What the AI-Horde tells about models at work, and when it told (aihorde-api.md section 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

from horde_model_reference.integrations.horde_figures import ModelStatus, Usage, Worker

T = TypeVar("T")


class HordeKind(StrEnum):
    """The two kinds of work for which the AI-Horde has figures."""

    IMAGE = "image"
    TEXT = "text"


KIND_OF_CATEGORY: Final[Mapping[str, HordeKind]] = {
    "image_generation": HordeKind.IMAGE,
    "text_generation": HordeKind.TEXT,
}
"""The categories with figures."""


class Source(StrEnum):
    """What is asked for each kind."""

    STATUS = "status"
    USAGE = "usage"
    WORKERS = "workers"


@dataclass(frozen=True, slots=True)
class Received(Generic[T]):
    """The last good answer. `fetched_at` is in Unix seconds.

    It is `stale` when newer attempts failed, or there were none for too long. `skipped` counts the entries
    of the answer that could not be read.
    """

    value: T
    fetched_at: float
    stale: bool = False
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class RuntimeSnapshot:
    """The figures of one kind at one moment; None is a source that never answered usably.

    Equal `published_at` (Unix seconds) means equal content, on every instance.
    """

    kind: HordeKind
    published_at: float = 0.0
    status: Received[tuple[ModelStatus, ...]] | None = None
    usage: Received[Mapping[str, Usage]] | None = None
    workers: Received[tuple[Worker, ...]] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever received."""
        return self.status is None and self.usage is None and self.workers is None
