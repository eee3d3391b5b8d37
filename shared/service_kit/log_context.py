"""What log lines say besides: which request is being answered, and which events are being acted on."""

import contextlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

MAX_CAUSES: Final = 20
MAX_CHANGE_IDS: Final = 100

REQUEST_ID: Final = ContextVar("REQUEST_ID", default="")
"""The id of the request that the current task answers; tasks that it begins inherit it."""


@dataclass(frozen=True, slots=True)
class Cause:
    """An event that something is done for. `request_id` is that of the request that led to the event."""

    event_id: str = ""
    request_id: str = ""
    change_ids: tuple[int, ...] = ()


_CAUSES: Final[ContextVar[tuple[Cause, ...]]] = ContextVar("CAUSES", default=())


def origin_request_id() -> str:
    """Return the id of the request that the current work goes back to, here or elsewhere; else empty."""
    return REQUEST_ID.get() or next((cause.request_id for cause in _CAUSES.get() if cause.request_id), "")


def log_fields() -> Mapping[str, object]:
    """Return the members that every log line has, written by the current task: only those that apply."""
    fields: dict[str, object] = {}
    if request_id := REQUEST_ID.get():
        fields["request_id"] = request_id
    if causes := _CAUSES.get():
        fields["caused_by"] = list(dict.fromkeys(cause.request_id or cause.event_id for cause in causes))
        change_ids = sorted({change_id for cause in causes for change_id in cause.change_ids})
        if change_ids:
            fields["change_ids"] = change_ids[:MAX_CHANGE_IDS]
    return fields


@contextlib.contextmanager
def acting_on(*causes: Cause) -> Iterator[None]:
    """Do the body for these events."""
    token = _CAUSES.set(causes)
    try:
        yield
    finally:
        _CAUSES.reset(token)


class Causes:
    """The events that another task will act on, several at once: of very many the latest ones."""

    def __init__(self) -> None:
        self._waiting: deque[Cause] = deque(maxlen=MAX_CAUSES)

    def note(self) -> None:
        """Take over what the current task does its work for."""
        self._waiting.extend(cause for cause in _CAUSES.get() if cause not in self._waiting)

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """Do the body for all that was noted; when it fails, the next one is for them as well."""
        taken, done = tuple(self._waiting), False
        self._waiting.clear()
        try:
            with acting_on(*taken):
                yield
            done = True
        finally:
            if not done:
                self._waiting.extendleft(reversed(taken[: MAX_CAUSES - len(self._waiting)]))
