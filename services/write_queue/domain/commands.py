"""What a request wants done, decided on top of the newest state."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from horde_model_reference.meta_consts import CanonicalFormat
from registry.catalogue import CatalogueRef
from registry.change_record import ChangeRecord
from registry.entries import EntryBody
from registry.state import State
from service_kit.errors import Conflict, NotFound, NotReady, RoleMissing
from service_kit.horde_users import User
from write_queue.domain.catalogue import Catalogue
from write_queue.views.change_view import change_value

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator may choose about the queue."""

    canonical_format: CanonicalFormat = CanonicalFormat.v2
    require_two_persons: bool = False


class Worked:
    """What a request came to on top of an earlier state.

    It is decided anew whenever another writer was faster, but most often that was about something else.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, Any]] = {}

    async def once(self, what: str, question: object, work: Callable[[], Awaitable[Result]]) -> Result:
        """Return what the work gives, or gave before to an equal question."""
        if what not in self._known or self._known[what][0] != question:
            self._known[what] = question, await work()
        result: Result = self._known[what][1]
        return result


@dataclass(frozen=True, slots=True)
class Head:
    """What a command is decided on: the newest state, who asks, and when."""

    state: State
    catalogue: Catalogue
    user: User
    now: datetime
    rules: Rules
    worked: Worked = field(default_factory=Worked)

    def revision(self) -> CatalogueRef:
        """Return the catalogue. Raises `NotReady` while there is none."""
        if self.state.catalogue is None:
            raise NotReady("the catalogue is empty: it must be seeded first")
        return self.state.catalogue

    def change(self, change_id: int) -> ChangeRecord:
        """Return a change. Raises `NotFound`."""
        change = self.state.queue.find(change_id)
        if change is None:
            raise NotFound(f"there is no change {change_id}")
        return change

    def conflict(self, text: str, *changes: ChangeRecord, fields: tuple[str, ...] = ()) -> Conflict:
        """Return the refusal, with the changes as they now are, and the fields that are in the way."""
        shown = [change_value(self.state.queue, change) for change in changes]
        members: dict[str, Any] = {"change": shown[0]} if len(shown) == 1 else {"changes": shown}
        if fields:
            members["conflicting_fields"] = list(fields)
        return Conflict(text, **members)


def require_other_person(change: ChangeRecord, approver: str) -> None:
    """Raise `RoleMissing` for an approval of one's own change, where two persons are required."""
    if change.requested.by == approver:
        raise RoleMissing(
            f"change {change.change_id} was approved by its proposer: another approver is needed"
        )


@dataclass(frozen=True, slots=True)
class Step:
    """An entry to append, and what the client is told once it is there.

    With `keep_answer` the answer is stored with the entry even without an idempotency key. `kept` makes what
    is stored where that is not the answer itself: an entry that makes a revision is shown to everybody.
    """

    kind: str
    body: EntryBody
    answer: Callable[[State], Any]
    status: int = 200
    catalogue: CatalogueRef | None = None
    keep_answer: bool = False
    kept: Callable[[State], Any] | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing is to be appended; the answer is this. `replayed` says that it was given before."""

    body: Any
    status: int = 200
    replayed: bool = False


Command = Callable[[Head], Awaitable[Step | Settled]]
"""Decides what to do on top of a state; asked again when another writer was faster. Raises `ServiceError`."""
