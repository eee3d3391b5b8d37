"""JSON objects read strictly, with the place of every member in the text.

The standard reader accepts NaN, keeps the last of two equal keys in silence and lets lone surrogates through.
Here what makes the whole text doubtful is `SourceUnreadable` with its position; what spoils a single member
is a flaw of that member, so that its neighbours can be used.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from horde_model_reference.documents import SourceUnreadable

MAX_DEPTH: Final = 100
"""Deeper nesting is refused: real records have five levels."""

MAX_INTEGER: Final = 2**63 - 1
"""Integers that 64 bits do not hold are a flaw: most JSON readers change or refuse them."""

MIN_INTEGER: Final = -(2**63)
_MAX_INTEGER_LENGTH: Final = len(str(MIN_INTEGER))
_BYTE_ORDER_MARK: Final = "\ufeff"
_BLANK: Final = re.compile(r"[ \t\r\n]*")
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_TOKEN: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{\]}]|NaN|-?Infinity')


@dataclass(frozen=True, slots=True)
class Flaw:
    """What makes one member unusable: the path below the member, and the reason."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class JsonMember:
    """One member of the object: where its key and its value begin and end in the text.

    `value` is None when there is a flaw.
    """

    key_start: int
    key_end: int
    value_start: int
    value_end: int
    value: Any
    flaw: Flaw | None = None


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object and its text. `opened` and `closed` are the positions of its braces."""

    text: str
    opened: int
    closed: int
    members: Mapping[str, JsonMember]


def parse_json_object(body: bytes, label: str = "the document") -> dict[str, Any]:
    """Return the object that the bytes hold; any flaw is an error. Raises `SourceUnreadable`."""
    members = read_json_object(body, label).members
    for name, member in members.items():
        if member.flaw is not None:
            path = printable(f"{name!r}, {member.flaw.path}" if member.flaw.path else repr(name))
            raise SourceUnreadable(f"{label}: {path}: {member.flaw.reason}")
    return {name: member.value for name, member in members.items()}


def read_json_object(body: bytes, label: str = "the document") -> JsonObject:
    """Return the object that the bytes hold, member by member.

    Raises `SourceUnreadable` naming line and column: not UTF-8, not JSON, not an object, NaN or Infinity,
    nested too deeply, or a member name that occurs twice.
    """
    try:
        return _ObjectReader(body.decode("utf-8")).read()
    except UnicodeDecodeError as error:
        raise SourceUnreadable(f"{label} is not UTF-8: byte {error.start}: {error.reason}") from error
    except _Unreadable as error:
        raise SourceUnreadable(f"{label}: {error}") from error


def printable(text: str) -> str:
    """Return the text with lone surrogates written as escapes, so that it can be encoded."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def on_one_line(text: str) -> str:
    """Return the text with line breaks and other control characters written as escapes, also printable."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in printable(text))


class _Unreadable(ValueError):
    def __init__(self, text: str, position: int, reason: str) -> None:
        line = text.count("\n", 0, position) + 1
        column = position - text.rfind("\n", 0, position)
        super().__init__(f"line {line} column {column}: {reason}")


class _RepeatedKey(dict[str, Any]):
    """An object in which a key occurs twice."""

    def __init__(self, members: dict[str, Any], key: str) -> None:
        super().__init__(members)
        self.key = key


class _UnusableNumber(str):
    """The text of a number that cannot be represented."""

    __slots__ = ()


class _NotANumber(ValueError):
    """NaN or an infinity, which JSON does not have."""


class _ObjectReader:
    """Reads one object; the members are decoded by the standard reader, one by one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._flawed = False
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_constant=self._constant,
            parse_float=self._float,
            parse_int=self._integer,
        )

    def read(self) -> JsonObject:
        members: dict[str, JsonMember] = {}
        if self._text.startswith(_BYTE_ORDER_MARK):
            raise _Unreadable(self._text, 0, "begins with a byte order mark, which JSON does not allow")
        opened = self._skip(0)
        self._expect(opened, "{", "expected an object")
        position = self._skip(opened + 1)
        if self._text[position : position + 1] != "}":
            position = self._members(position, members)
        self._expect(position, "}", "expected ',' or '}'")
        end = self._skip(position + 1)
        if end != len(self._text):
            raise _Unreadable(self._text, end, "more text after the end of the object")
        return JsonObject(self._text, opened, position, members)

    def _members(self, position: int, members: dict[str, JsonMember]) -> int:
        while True:
            self._expect(position, '"', "expected a name in double quotes")
            name, key_end = self._decode(position)
            if name in members:
                raise _Unreadable(self._text, position, printable(f"the name {name!r} occurs twice"))
            colon = self._skip(key_end)
            self._expect(colon, ":", "expected ':'")
            members[name] = member = self._member(name, position, key_end, self._skip(colon + 1))
            position = self._skip(member.value_end)
            if self._text[position : position + 1] != ",":
                return position
            position = self._skip(position + 1)

    def _member(self, name: str, key_start: int, key_end: int, value_start: int) -> JsonMember:
        self._flawed = False
        value, value_end = self._decode(value_start)
        self._check_depth(value_start, value_end)
        flaw = None
        if self._flawed or _SURROGATE_ESCAPE.search(self._text, key_start, value_end):
            flaw = Flaw("", "the name holds a lone surrogate") if _has_lone_surrogate(name) else None
            flaw = flaw or find_flaw(value)
        return JsonMember(key_start, key_end, value_start, value_end, None if flaw else value, flaw)

    def _decode(self, position: int) -> tuple[Any, int]:
        try:
            return self._decoder.raw_decode(self._text, position)
        except json.JSONDecodeError as error:
            raise _Unreadable(self._text, error.pos, error.msg) from error
        except _NotANumber as error:
            place = self._find_constant(position, str(error))
            raise _Unreadable(self._text, place, f"{error} is not JSON") from error
        except RecursionError as error:
            raise _Unreadable(self._text, position, f"nested more than {MAX_DEPTH} levels deep") from error

    def _check_depth(self, start: int, end: int) -> None:
        if self._text.count("{", start, end) + self._text.count("[", start, end) <= MAX_DEPTH:
            return
        depth = 0
        for token in _TOKEN.finditer(self._text, start, end):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
            if depth > MAX_DEPTH:
                raise _Unreadable(self._text, token.start(), f"nested more than {MAX_DEPTH} levels deep")

    def _find_constant(self, start: int, constant: str) -> int:
        tokens = _TOKEN.finditer(self._text, start)
        return next((token.start() for token in tokens if token[0] == constant), start)

    def _skip(self, position: int) -> int:
        blank = _BLANK.match(self._text, position)
        return blank.end() if blank else position

    def _expect(self, position: int, sign: str, reason: str) -> None:
        if self._text[position : position + 1] != sign:
            raise _Unreadable(self._text, position, reason)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) == len(pairs):
            return result
        self._flawed = True
        keys = Counter(key for key, _ in pairs)
        return _RepeatedKey(result, next(key for key, count in keys.items() if count > 1))

    def _constant(self, text: str) -> Any:  # noqa: ANN401 - never returns
        raise _NotANumber(text)

    def _float(self, text: str) -> float | _UnusableNumber:
        number = float(text)
        if math.isfinite(number):
            return number
        self._flawed = True
        return _UnusableNumber(text)

    def _integer(self, text: str) -> int | _UnusableNumber:
        if len(text) <= _MAX_INTEGER_LENGTH and MIN_INTEGER <= (number := int(text)) <= MAX_INTEGER:
            return number
        self._flawed = True
        return _UnusableNumber(text)


def find_flaw(value: Any, path: str = "") -> Flaw | None:  # noqa: ANN401 - any JSON value
    """Return the first thing below a value that cannot be kept as JSON, None when all of it can.

    These are lone surrogates, numbers out of range, and what the reader marked: keys that occur twice.
    """
    if isinstance(value, _RepeatedKey):
        return Flaw(printable(f"{path}.{value.key}".lstrip(".")), "the key occurs twice in one object")
    if isinstance(value, dict):
        return _first_flaw_of_members(value, path)
    if isinstance(value, list):
        flaws = (find_flaw(item, f"{path}.{index}".lstrip(".")) for index, item in enumerate(value))
        return next((flaw for flaw in flaws if flaw), None)
    reason = _reason_against(value)
    return Flaw(printable(path), reason) if reason else None


def _reason_against(value: object) -> str | None:
    if isinstance(value, str) and _has_lone_surrogate(value):
        return "holds a lone surrogate"
    if isinstance(value, _UnusableNumber):
        return "the number is out of range"
    if isinstance(value, int | float) and not _is_usable(value):
        return "the number is out of range"
    return None


def _first_flaw_of_members(value: Mapping[str, Any], path: str) -> Flaw | None:
    for key, item in value.items():
        below = f"{path}.{key}".lstrip(".")
        flaw = Flaw(printable(below), "the key holds a lone surrogate") if _has_lone_surrogate(key) else None
        flaw = flaw or find_flaw(item, below)
        if flaw:
            return flaw
    return None


def _has_lone_surrogate(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _is_usable(number: float) -> bool:
    if isinstance(number, int):
        return MIN_INTEGER <= number <= MAX_INTEGER
    return math.isfinite(number)


def same_json(one: object, other: object) -> bool:
    """Say whether two values are the same JSON text: 1, 1.0 and true differ, and so do orders of keys."""
    return one is other or json.dumps(one) == json.dumps(other)
