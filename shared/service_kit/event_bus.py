"""The port of the event bus: who tells whom that something happened."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from service_kit.errors import ServiceError
from service_kit.retry import RetryPolicy


class MessageInvalid(ServiceError):
    """A handler cannot make sense of a message, and never will: no use in delivering it again."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a handler gets. `deliveries` counts how often it was handed out, this time included."""

    routing_key: str
    body: bytes
    deliveries: int = 1


Handler = Callable[[Message], Awaitable[None]]
"""Has to be idempotent, for a message may come twice, and indifferent to the order."""


@dataclass(frozen=True, slots=True)
class WorkQueue:
    """A queue that outlives its consumers, for work that must be done once for all instances.

    At any time one consumer is served. A message whose handler fails is handed out again after a pause that
    grows, `max_deliveries` times in all, and then lies in the queue `dead_letters`; one that is
    `MessageInvalid` lies there at once. A handler has `handler_seconds`.
    """

    name: str
    max_deliveries: int = 5
    first_pause_seconds: float = 1.0
    max_pause_seconds: float = 60.0
    handler_seconds: float = 300.0

    @property
    def dead_letters(self) -> str:
        """The name of the queue of what could not be done."""
        return f"{self.name}.dead"

    def pause_seconds(self, deliveries: int) -> float:
        """Return how long to wait after that many failed deliveries."""
        policy = RetryPolicy(
            first_pause_seconds=self.first_pause_seconds, max_pause_seconds=self.max_pause_seconds
        )
        return policy.pause_seconds(deliveries)


@dataclass(frozen=True, slots=True)
class QueueDepths:
    """How many messages wait in a work queue for a consumer, and how many lie in its dead letters."""

    waiting: int
    dead_letters: int


class EventBus(Protocol):
    """Passes messages on by topics in the manner of AMQP.

    Routing keys are words with dots between; in a pattern `*` is any one word and `#` any number of them,
    also none.
    """

    def publish(self, routing_key: str, body: bytes) -> None:
        """Tell all who listen now, soon, and return at once.

        Nothing is raised whatever the state of the broker: events wait in a bounded buffer while it is away,
        the oldest are dropped when it overflows. Belongs on the event loop's thread.
        """

    def subscribe(
        self,
        patterns: tuple[str, ...],
        handler: Handler,
        *,
        on_attached: Callable[[], None] | None = None,
        work_queue: WorkQueue | None = None,
    ) -> AbstractAsyncContextManager[None]:
        """Hand matching messages to the handler one after another, until the end of the context.

        Without a `work_queue` every subscription gets each message, once, while it is attached; a handler
        that raises is logged and the message is gone. The context begins although the broker is away, and
        attaches by itself, again and again: `on_attached` is called each time, for whoever was not attached
        may have missed something.
        """

    def counting(
        self, work_queue: WorkQueue
    ) -> AbstractAsyncContextManager[Callable[[], QueueDepths | None]]:
        """Yield a function that tells at once what lay in the queue lately; None while that is not known.

        The queue is made if it is not there yet. The context begins although the broker is away.
        """

    @property
    def failure(self) -> str | None:
        """Why events do not pass at the moment; None when they do."""


def matches(pattern: str, routing_key: str) -> bool:
    """Return whether the pattern covers the key."""
    return _match(pattern.split("."), routing_key.split("."))


def _match(pattern: list[str], words: list[str]) -> bool:
    if not pattern:
        return not words
    first, rest = pattern[0], pattern[1:]
    if first == "#":
        return any(_match(rest, words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and first in {"*", words[0]} and _match(rest, words[1:])
