"""Acts on events that speak of a journal entry later than what an instance has."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service_kit.event_bus import EventBus, Handler, Message, MessageInvalid


class _About(BaseModel):
    """The one thing that has to be known of an event."""

    model_config = ConfigDict(extra="ignore", strict=True)

    sequence: int = Field(ge=1)


def when_newer(known_sequence: Callable[[], int], act: Callable[[], Awaitable[None]]) -> Handler:
    """Return a handler that awaits `act` when an event names an entry after the known one."""

    async def handle(message: Message) -> None:
        try:
            sequence = _About.model_validate_json(message.body).sequence
        except ValidationError:
            raise MessageInvalid("no JSON object with a sequence") from None
        if sequence > known_sequence():
            await act()

    return handle


@contextlib.asynccontextmanager
async def nudging(
    bus: EventBus,
    patterns: tuple[str, ...],
    nudge: Callable[[], None],
    known_sequence: Callable[[], int],
) -> AsyncIterator[None]:
    """Call `nudge` when the head is later than what is known, and whenever an event may have been missed."""

    async def act() -> None:
        nudge()

    async with bus.subscribe(patterns, when_newer(known_sequence, act), on_attached=nudge):
        yield
