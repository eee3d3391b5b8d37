"""The documents of one category, and the changes that turn one state of them into the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]
"""A raw JSON record: v2 or legacy."""


@dataclass(frozen=True, slots=True)
class CategoryDocuments:
    """The canonical bytes of one category at one revision.

    `v2`: compact UTF-8 JSON `{name: record}`. `legacy`: exactly the bytes that v1 serves, None for a category
    without legacy form. `csv`: the models.csv of text_generation, else None.
    """

    v2: bytes
    legacy: bytes | None = None
    csv: bytes | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that was left out: its key, the path of the offending value below it, and why."""

    name: str
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something odd about a record that is kept. `code` is one of the words of data-model.md section 5."""

    name: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Conversion:
    """v2 records made from legacy ones, in the order of the source, and what was noticed on the way."""

    records: Mapping[str, Record]
    rejected: tuple[Rejection, ...] = ()
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Create:
    """A new record under a free name. Without `author` it is by whom the others are."""

    name: str
    record: Record
    author: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """New values for some fields of a v2 record; the fields in `unset` are removed.

    Without `author` it is by whom the others are.
    """

    name: str
    set: Mapping[str, Any]
    unset: tuple[str, ...] = ()
    author: str | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """The removal of a record."""

    name: str


Change = Create | Update | Delete


class SourceUnreadable(ValueError):
    """A source file that cannot be read as what it should be; the text says where and why."""


class ChangeRefused(ValueError):
    """A change that cannot be applied: unknown or taken name, or a record that is not valid."""
