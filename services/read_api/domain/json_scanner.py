"""Reading a JSON text member by member, with the place of each value in it."""

import json
from collections.abc import Iterator
from typing import Any, Final

BLANKS: Final = frozenset(" \t\r\n")


class JsonScanner:
    """Reads from left to right. Linear, and short between two members, so that it can be interrupted there.

    `position` is where the next value begins. Everything raises `ValueError`, or `IndexError` at an early
    end; deep values raise `RecursionError`.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._decode = json.JSONDecoder().raw_decode
        self._skip_blanks()

    def members(self) -> Iterator[str]:
        """Yield the keys of the object that begins here. The value of each has to be read before the next."""
        self._take("{")
        if self.text[self.position] == "}":
            self.position += 1
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                raise ValueError(f"no key before character {self.position}")  # noqa: TRY004 - of the input
            self._skip_blanks()
            self._take(":")
            yield key
            self._skip_blanks()
            if self.text[self.position] == "}":
                self.position += 1
                return
            self._take(",")

    def value(self) -> Any:  # noqa: ANN401 - any JSON value
        """Return the value that begins here."""
        value, self.position = self._decode(self.text, self.position)
        return value

    def object_value(self) -> dict[str, Any]:
        """Return the object that begins here."""
        start = self.position
        value = self.value()
        if not isinstance(value, dict):
            raise ValueError(f"no object at character {start}")  # noqa: TRY004 - the input is wrong
        return value

    def text_value(self) -> str:
        """Return the text that begins here."""
        start = self.position
        value = self.value()
        if not isinstance(value, str):
            raise ValueError(f"no text at character {start}")  # noqa: TRY004 - the input is wrong
        return value

    def expect_end(self) -> None:
        """Raise `ValueError` when anything but blanks follows."""
        if self.text[self.position :].strip():
            raise ValueError(f"more than one value, at character {self.position}")

    def _take(self, character: str) -> None:
        if self.text[self.position] != character:
            raise ValueError(f"no {character!r} at character {self.position}")
        self.position += 1
        self._skip_blanks()

    def _skip_blanks(self) -> None:
        text, position = self.text, self.position
        while position < len(text) and text[position] in BLANKS:
            position += 1
        self.position = position
