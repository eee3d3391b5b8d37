"""Tells who is behind an API key, without asking the AI-Horde each time.

Keys are kept as a keyed hash only. A verified key is believed for half a minute, and while the AI-Horde is
away for up to an hour; an unknown one is remembered for some seconds.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from service_kit.access_settings import KeyCheckSettings, KeyedServiceSettings
from service_kit.call_metrics import measured
from service_kit.errors import KeyInvalid, KeyMissing, KeyServiceBusy, KeyServiceUnavailable
from service_kit.horde_users import User, open_horde_users
from service_kit.key_circuit import KeyCircuit
from service_kit.key_memory import KeyHash, KeyMemory
from service_kit.telemetry import Telemetry

MAX_KEY_CHARACTERS: Final = 255
MAX_CALLS: Final = 200  # at the same time, waiting for a connection included

FindUser = Callable[[str], Awaitable[User]]
Outcome = User | KeyInvalid | KeyServiceUnavailable

log = logging.getLogger(__name__)


class KeyChecker:
    """Who a key belongs to. `find` asks the AI-Horde; each key is asked for once at a time."""

    def __init__(
        self,
        find: FindUser,
        settings: KeyCheckSettings,
        telemetry: Telemetry | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._settings = settings
        self._telemetry = telemetry
        self._clock = clock
        self._hash = KeyHash()
        self._known = KeyMemory[User](settings.max_known_keys)
        self._refused = KeyMemory[bool](settings.max_refused_keys)
        self._undecided = KeyMemory[str](settings.max_refused_keys)  # and why
        self._circuit = KeyCircuit(settings.pause_seconds)
        self._calls: dict[bytes, asyncio.Task[Outcome]] = {}

    async def identify(self, apikey: str | None) -> User:
        """Return the user. Raises `KeyMissing`, `KeyInvalid` or `KeyServiceUnavailable`.

        A user verified within the last hour is never refused because the AI-Horde fails, and waits for it
        two seconds at most.
        """
        if not apikey:
            raise KeyMissing
        if not is_plausible(apikey):
            self._count("implausible")
            raise KeyInvalid
        key_hash = self._hash(apikey)
        user = self._remembered(key_hash) or await self._ask(key_hash, apikey)
        if isinstance(user, User):
            return user
        raise user.with_traceback(None)  # callers that waited together share it

    def remembers(self, apikey: str | None) -> bool:
        """Whether the key was verified lately, so that it is no guess."""
        if not apikey or not is_plausible(apikey):
            return False
        return self._verified(self._hash(apikey)) is not None

    async def close(self) -> None:
        """Give up the calls that are under way."""
        calls = list(self._calls.values())
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _verified(self, key_hash: bytes) -> User | None:
        return self._known.find(key_hash, self._clock(), within_seconds=self._settings.known_seconds)

    def _remembered(self, key_hash: bytes) -> Outcome | None:
        now, settings = self._clock(), self._settings
        if (user := self._known.find(key_hash, now, within_seconds=settings.fresh_seconds)) is not None:
            self._count("fresh")
            return user
        if self._refused.find(key_hash, now, within_seconds=settings.refused_seconds):
            self._count("refused before")
            return KeyInvalid()
        if self._circuit.rests_for_known(now) and (user := self._verified(key_hash)) is not None:
            self._count("known")
            return user
        return None if key_hash in self._calls else self._left_alone(key_hash, now)

    def _left_alone(self, key_hash: bytes, now: float) -> KeyServiceUnavailable | None:
        if seconds := self._circuit.blocked_seconds(now):
            failure = KeyServiceUnavailable(retry_after_seconds=seconds)
        elif why := self._undecided.find(key_hash, now, within_seconds=self._settings.pause_seconds):
            failure = KeyServiceUnavailable(why, retry_after_seconds=self._settings.pause_seconds)
        else:
            return None
        self._count("left alone")
        return failure

    async def _ask(self, key_hash: bytes, apikey: str) -> Outcome:
        call = self._calls.get(key_hash)
        if call is None:
            if len(self._calls) >= MAX_CALLS:
                self._count("too many")
                return self._verified(key_hash) or KeyServiceBusy("Auth service is busy")
            call = self._start(key_hash, apikey)
        user = self._verified(key_hash)
        outcome = await (asyncio.shield(call) if user is None else self._wait_briefly(call))
        if user is not None and isinstance(outcome, KeyServiceUnavailable):
            self._count("known")
            return user
        self._count("asked")
        return outcome

    async def _wait_briefly(self, call: asyncio.Task[Outcome]) -> Outcome:
        await asyncio.wait({call}, timeout=self._settings.known_wait_seconds)
        if call.done():
            return call.result()
        self._circuit.note_slow(self._clock())
        return KeyServiceUnavailable("Auth service timed out")

    def _start(self, key_hash: bytes, apikey: str) -> asyncio.Task[Outcome]:
        self._circuit.note_call(self._clock())
        call = asyncio.create_task(self._call(key_hash, apikey), name="key check")
        self._calls[key_hash] = call
        call.add_done_callback(lambda _: self._calls.pop(key_hash, None))
        return call

    async def _call(self, key_hash: bytes, apikey: str) -> Outcome:
        calls = self._telemetry.key_check_calls if self._telemetry is not None else None
        try:
            with measured(calls, "find_user"):
                user = await self._find(apikey)
        except KeyInvalid as error:
            self._note_answer()
            self._known.forget(key_hash)
            self._refused.put(key_hash, True, self._clock())
            return error
        except KeyServiceUnavailable as error:
            self._note_failure(error)
            self._undecided.put(key_hash, str(error), self._clock())
            return error
        self._note_answer()
        self._known.put(key_hash, user, self._clock())
        return user

    def _note_answer(self) -> None:
        if self._circuit.failing:
            log.info("the AI-Horde answers again")
        self._circuit.note_answer()

    def _note_failure(self, error: KeyServiceUnavailable) -> None:
        if not self._circuit.failing:
            log.warning("the AI-Horde does not tell whose a key is: %s", error)
        demanded_seconds = error.retry_after_seconds if isinstance(error, KeyServiceBusy) else 0.0
        self._circuit.note_failure(self._clock(), at_least_seconds=demanded_seconds)

    def _count(self, outcome: str) -> None:
        if self._telemetry is not None:
            self._telemetry.key_checks.labels(outcome).inc()


@contextlib.asynccontextmanager
async def open_key_checker(
    settings: KeyedServiceSettings, telemetry: Telemetry | None = None
) -> AsyncIterator[KeyChecker]:
    """Yield a checker that asks the AI-Horde at the configured address, which may be down."""
    async with open_horde_users(settings.ai_horde_url, settings.key_check) as users:
        checker = KeyChecker(users.find, settings.key_check, telemetry)
        try:
            yield checker
        finally:
            await checker.close()


def is_plausible(apikey: str) -> bool:
    """Whether this can be a key at all: printable ASCII of a sane length."""
    return len(apikey) <= MAX_KEY_CHARACTERS and apikey.isascii() and apikey.isprintable()
