"""Carries commands out: decides them on the head of the journal, appends, and answers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from registry.bodies import Applied
from registry.draft import Draft, IdempotencyKey, KeptAnswer
from registry.errors import EntryCorrupt
from registry.state import State, answered_key
from registry.writer import Writer
from service_kit.errors import StoreUnavailable, ValueNotKnown
from service_kit.horde_users import User
from write_queue.domain.apply_answers import told
from write_queue.domain.catalogue import Catalogue
from write_queue.domain.commands import Command, Head, Rules, Settled, Step, Worked

TIMEOUT_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Appended:
    """An entry that was written, by whom and when, and the state after it."""

    step: Step
    user: User
    occurred_at: datetime
    after: State


OnAppended = Callable[[Appended], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the client is told, and the head that it was decided on or made.

    `committed` says that the request made the revision.
    """

    status: int
    body: Any
    revision: int
    sequence: int
    replayed: bool = False
    committed: bool = False


class QueueService:
    """The queue of one instance. Any number of instances may work on one journal."""

    def __init__(
        self,
        writer: Writer,
        catalogue: Catalogue,
        rules: Rules,
        *,
        on_appended: OnAppended,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._writer = writer
        self.catalogue = catalogue
        self._rules = rules
        self._on_appended = on_appended
        self._clock = clock

    async def state(self) -> State:
        """Return the state with everything that any instance has committed before this call.

        Raises `StoreUnavailable`, `JournalError`.
        """
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._writer.current()
        except TimeoutError as error:
            raise StoreUnavailable("the object store does not answer") from error

    async def submit(
        self, user: User, command: Command, *, idempotency: IdempotencyKey | None = None
    ) -> Outcome:
        """Carry a command out, once for each idempotency key of a user.

        Raises what the command raises; `ValueNotKnown` for a key that came with another request before;
        `StoreUnavailable` and `JournalContended`.
        """
        attempt = _Attempt(self, user, command, idempotency)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                after = await self._writer.append(attempt.decide)
                return attempt.outcome(after)
        except TimeoutError as error:
            raise StoreUnavailable("the object store does not answer") from error

    def head(self, state: State, user: User, worked: Worked) -> Head:
        """Return what a command of the user is decided on now."""
        return Head(state, self.catalogue, user, self._clock(), self._rules, worked)

    def appended(self, appended: Appended) -> None:
        """Tell that an entry was appended."""
        self._on_appended(appended)

    async def kept_answer(self, state: State, sequence: int) -> Settled:
        """Return the answer that was given to an entry. Raises `JournalError`, `StoreUnavailable`."""
        entry, _ = await self._writer.journal.read(sequence)
        if entry.answer is None:
            raise EntryCorrupt(f"journal entry {sequence} keeps no answer")
        body = entry.answer.body
        if isinstance(entry.body, Applied):
            body = told(body, state.queue)
        return Settled(body, entry.answer.status, replayed=True)


class _Attempt:
    """One request on its way: what was decided last, as the journal may ask several times."""

    def __init__(
        self, service: QueueService, user: User, command: Command, idempotency: IdempotencyKey | None
    ) -> None:
        self._service = service
        self._user = user
        self._command = command
        self._idempotency = idempotency
        self._worked = Worked()
        self._head: Head | None = None
        self._decided: Step | Settled | None = None

    async def decide(self, state: State) -> Draft | None:
        head = self._head = self._service.head(state, self._user, self._worked)
        self._decided = await self._known(state) or await self._command(head)
        if not isinstance(self._decided, Step):
            return None
        step = self._decided
        return Draft(
            actor=self._user.user_id,
            username=self._user.username,
            kind=step.kind,
            body=step.body,
            catalogue=step.catalogue,
            occurred_at=head.now,
            answer=self._kept(step),
        )

    def outcome(self, after: State) -> Outcome:
        match self._decided:
            case Step() as step:
                if self._head is not None:
                    self._service.appended(Appended(step, self._user, self._head.now, after))
                outcome = self._outcome(after, step.status, step.answer(after))
                return replace(outcome, committed=step.catalogue is not None)
            case Settled() as settled:
                return self._outcome(after, settled.status, settled.body, replayed=settled.replayed)
            case None:
                raise EntryCorrupt("nothing was decided")

    def _outcome(self, after: State, status: int, body: object, *, replayed: bool = False) -> Outcome:
        return Outcome(status, body, after.revision, after.sequence, replayed)

    async def _known(self, state: State) -> Settled | None:
        if self._idempotency is None:
            return None
        known = state.answered.get(answered_key(self._user.user_id, self._idempotency.key))
        if known is None:
            return None
        if known.fingerprint != self._idempotency.fingerprint:
            raise ValueNotKnown("this Idempotency-Key was used for another request")
        return await self._service.kept_answer(state, known.sequence)

    def _kept(self, step: Step) -> KeptAnswer | None:
        if self._idempotency is None and not step.keep_answer:
            return None
        return KeptAnswer(step.status, step.kept or step.answer, self._idempotency)
