"""Calls of GitHub's REST interface, before they are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

READING: Final = "GET"


@dataclass(frozen=True, slots=True)
class Call:
    """A call. `operation` is what it does, in a few words, for metrics and errors.

    `creates` says that a second one would make a second thing, so it is not repeated without a look.
    """

    operation: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    creates: bool = False

    @property
    def is_write(self) -> bool:
        """Whether it changes anything."""
        return self.method != READING
