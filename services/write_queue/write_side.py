"""What the routes work with: the queue of this instance, as soon as it can be used."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aiohttp import web

from registry.change_record import Form
from registry.draft import IdempotencyKey
from registry.entry_signature import PublicKey
from registry.state import State
from service_kit.authentication import Authenticator
from service_kit.errors import NotReady
from service_kit.horde_users import User
from service_kit.idempotency_header import fingerprint, idempotency_key, key_digest
from service_kit.json_body import read_body
from write_queue.answers import answer
from write_queue.domain.catalogue import Catalogue
from write_queue.domain.commands import Command
from write_queue.domain.service import QueueService
from write_queue.modes import Modes

UntilServed = Callable[[int], Awaitable[None]]
"""Waits, for a limited time and without raising, until reads show a revision."""


async def served_elsewhere(_revision: int) -> None:
    """Wait for nothing: the reads are the business of other processes."""


class WriteSide:
    """The queue and who may use it; both are attached after the routes were made.

    Requests are refused with `NotReady` until the store was proven and the journal was read once. A request
    that makes a revision is answered after `until_served` of it has returned.
    """

    def __init__(self, modes: Modes, *, until_served: UntilServed = served_elsewhere) -> None:
        self.modes = modes
        self._until_served = until_served
        self._service: QueueService | None = None
        self._authenticator: Authenticator | None = None
        self._known: Callable[[], State | None] = lambda: None
        self._opened = asyncio.Event()
        self.failure: Exception | None = None
        self.public_key: PublicKey | None = None

    def attach(
        self,
        authenticator: Authenticator,
        *,
        known: Callable[[], State | None],
        public_key: PublicKey | None = None,
    ) -> None:
        """Take whom to ask about keys: from now on requests without a valid key are told so.

        `known` returns the newest state that was seen, without looking for a newer one; `public_key` belongs
        to what entries are signed with.
        """
        self.public_key = public_key
        self._authenticator = authenticator
        self._known = known

    def open(self, service: QueueService) -> None:
        """Take the queue: from now on requests are served."""
        self._service = service
        self._opened.set()

    async def until_open(self, timeout_seconds: float) -> None:
        """Wait until requests are served, for a limited time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._opened.wait()

    def close(self) -> None:
        """Let go of both."""
        self._opened.clear()
        self._service = self._authenticator = None
        self._known = lambda: None

    @property
    def is_open(self) -> bool:
        """Whether requests are served."""
        return self._service is not None

    @property
    def known_state(self) -> State | None:
        """The newest state that was seen; None before the journal was read."""
        return self._known()

    @property
    def known_revision(self) -> int | None:
        """Its revision."""
        state = self._known()
        return None if state is None else state.revision

    @property
    def access(self) -> Authenticator:
        """Who tells the user of a request. Raises `NotReady`."""
        if self._authenticator is None:
            raise NotReady("this instance is starting")
        return self._authenticator

    @property
    def service(self) -> QueueService:
        """The queue. Raises `NotReady`."""
        if self._service is None:
            raise NotReady(f"this instance is starting: {self.failure or 'the journal was not read yet'}")
        return self._service

    @property
    def catalogue(self) -> Catalogue:
        """The records of every revision. Raises `NotReady`."""
        return self.service.catalogue

    async def state(self) -> State:
        """Return the newest state. Raises `NotReady`, `StoreUnavailable`, `JournalError`."""
        return await self.service.state()

    def form_of(self, category: str) -> Form:
        """Return the form in which records of a category are shown to reviewers."""
        return self.modes.form_of(category)

    async def submit(self, request: web.Request, user: User, command: Command) -> web.Response:
        """Carry the command out, once for each `Idempotency-Key` of the user, and answer.

        Raises what the command and `QueueService.submit` raise.
        """
        key = idempotency_key(request)
        idempotency = None
        if key is not None:
            idempotency = IdempotencyKey(key_digest(key), fingerprint(request, await read_body(request)))
        outcome = await self.service.submit(user, command, idempotency=idempotency)
        if outcome.committed:
            await self._until_served(outcome.revision)
        return answer(outcome)
