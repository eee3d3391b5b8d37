"""One listener to the live feed: what it hears must have no gap."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

RESET: Final = "catalog.reset"
HEAD: Final = "catalog.head"
COMMITTED: Final = "catalog.committed"


@dataclass(slots=True)
class ChunkedText:
    """Undoes the chunked coding (RFC 9112 section 7.1) of bytes that come in any pieces."""

    _rest: bytes = b""

    def feed(self, data: bytes) -> bytes:
        """Return what is whole so far. Raises `ValueError` for what is no chunk."""
        self._rest += data
        pieces = []
        while True:
            line, found, after = self._rest.partition(b"\r\n")
            if not found:
                break
            size = int(line, 16)
            if len(after) < size + 2:
                break
            pieces.append(after[:size])
            self._rest = after[size + 2 :]
        return b"".join(pieces)


@dataclass(slots=True)
class EventText:
    """Cuts the text of a stream into events: their names and ids (WHATWG HTML, section 9.2)."""

    retry_milliseconds: int = 2000
    _rest: bytes = b""

    def feed(self, text: bytes) -> Iterator[tuple[str, int]]:
        """Yield name and id of every event that is whole."""
        self._rest += text
        while True:
            block, found, after = self._rest.partition(b"\n\n")
            if not found:
                return
            self._rest = after
            fields = dict(line.split(": ", 1) for line in block.decode().split("\n") if ": " in line[1:])
            if "retry" in fields:
                self.retry_milliseconds = int(fields["retry"])
            if "event" in fields:
                yield fields["event"], int(fields["id"])


@dataclass(slots=True)
class Heard:
    """What a listener knows. `last` is the revision it would resume from; `gaps` what it never heard of."""

    last: int = 0
    resets: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    times: dict[int, float] = field(default_factory=dict)

    def take(self, name: str, revision: int, at: float) -> None:
        """Take one event, at a time of the monotonic clock."""
        if name == COMMITTED:
            if revision != self.last + 1:
                self.gaps.append((self.last, revision))
            self.times[revision] = at
        elif name == RESET:
            self.resets += 1
        elif name == HEAD and self.last:
            self.gaps.append((self.last, revision))  # who says what it had must not be told to begin anew
        else:
            self.times[revision] = at
        self.last = revision
