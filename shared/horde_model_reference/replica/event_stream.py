"""An event stream, piece by piece (WHATWG HTML, section 9.2.6)."""

import codecs
from typing import Final, NamedTuple

MAX_EVENT_CHARACTERS: Final = 1024 * 1024
MAX_RETRY_DIGITS: Final = 9
DEFAULT_EVENT: Final = "message"


class EventTooLarge(ValueError):
    """A line, or the data of an event, is longer than any that is meant for us."""


class ServerSentEvent(NamedTuple):
    """One event. `id` is the last one that was given, by this event or before."""

    event: str
    data: str
    id: str


class EventStreamParser:
    """Takes bytes as they come and gives the events that they complete.

    An event that the end of the stream cuts off is never given. `retry_milliseconds` is what the server
    asked clients to wait before they connect again.
    """

    def __init__(self, *, max_event_characters: int = MAX_EVENT_CHARACTERS) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._max_characters = max_event_characters
        self._begun = False
        self._after_cr = False
        self._rest = ""
        self._event = ""
        self._data: list[str] = []
        self._data_characters = 0
        self.last_id = ""
        self.retry_milliseconds: int | None = None

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """Return the events that are complete now. Raises `EventTooLarge`."""
        lines = self._unified(self._decoder.decode(piece)).split("\n")
        lines[0] = self._rest + lines[0]
        self._rest = lines.pop()
        if len(self._rest) > self._max_characters:
            raise EventTooLarge(f"a line has more than {self._max_characters} characters")
        events = [self._line(line) for line in lines]
        return [event for event in events if event is not None]

    def _unified(self, text: str) -> str:
        """Return the text with LF at the end of every line: it may be CR, LF, or both in two pieces."""
        if not text:
            return text
        if not self._begun:
            self._begun = True
            text = text.removeprefix("\ufeff")
        if self._after_cr:
            text = text.removeprefix("\n")
        self._after_cr = text.endswith("\r") or (self._after_cr and not text)
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _line(self, line: str) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        self._field(name, value.removeprefix(" "))
        return None

    def _field(self, name: str, value: str) -> None:
        match name:
            case "event":
                self._event = value
            case "data":
                self._data_characters += len(value) + 1
                if self._data_characters > self._max_characters:
                    raise EventTooLarge(f"an event has more than {self._max_characters} characters")
                self._data.append(value)
            case "id" if "\0" not in value:
                self.last_id = value
            case "retry" if value.isascii() and value.isdecimal() and len(value) <= MAX_RETRY_DIGITS:
                self.retry_milliseconds = int(value)

    def _dispatch(self) -> ServerSentEvent | None:
        event, data = self._event, self._data
        self._event, self._data, self._data_characters = "", [], 0
        if not data:
            return None
        return ServerSentEvent(event or DEFAULT_EVENT, "\n".join(data), self.last_id)
