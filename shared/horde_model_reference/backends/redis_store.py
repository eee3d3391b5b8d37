"""Documents in a Redis that the processes of a PRIMARY share. Only a cache: without it all goes on.

Keys are `{prefix}:{category}:{form}`, and `{prefix}:{category}:version`, which counts the invalidations: a
document is stored only while it still is the one that was read.
"""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from redis import BlockingConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, WatchError
from redis.retry import Retry

from horde_model_reference.settings_blocks import RedisSettings
from horde_model_reference.waiting import pause

T = TypeVar("T")

log = logging.getLogger(__name__)

FORMS: Final = ("v2", "legacy")
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
HEALTH_CHECK_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What Redis knows of a document: its bytes, if any, for how long they hold, and its version."""

    body: bytes | None
    seconds_left: float
    version: int


class RedisStore:
    """Every call may be made at any time from any thread; None or False says that Redis was of no help.

    A call that fails is repeated as the settings say. Then Redis is left alone for a pause that doubles up to
    half a minute: all calls fail at once, and a single one tries again after it, once.
    """

    def __init__(self, settings: RedisSettings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._client = open_client(settings)
        self._pause_seconds = 0.0
        self._left_alone_until = float("-inf")

    @property
    def channel(self) -> str:
        """Where invalidations are told."""
        return f"{self._settings.key_prefix}:invalidated"

    def look_up(self, category: str, form: str) -> LookedUp | None:
        """Return what Redis knows of a document."""

        def call() -> LookedUp:
            with self._client.pipeline(transaction=False) as pipe:
                pipe.get(self._key(category, form))
                pipe.pttl(self._key(category, form))
                pipe.get(self._key(category, "version"))
                body, milliseconds, version = pipe.execute()
            return LookedUp(body, milliseconds / 1000, int(version or 0))

        return self._run(call)

    def put(self, category: str, form: str, body: bytes, *, version: int, ttl_seconds: float) -> bool:
        """Store a document that was read when its version was this; a newer version hinders it."""
        version_key = self._key(category, "version")

        def call() -> bool:
            with self._client.pipeline() as pipe:
                pipe.watch(version_key)  # type: ignore[no-untyped-call] # redis says nothing about it
                if int(pipe.get(version_key) or 0) != version:
                    return False
                pipe.multi()
                pipe.set(self._key(category, form), body, px=int(ttl_seconds * 1000))
                try:
                    pipe.execute()
                except WatchError:
                    return False
            return True

        return ttl_seconds > 0 and bool(self._run(call))

    def invalidate(self, category: str, origin: str) -> bool:
        """Forget the documents of a category, and tell the other processes; `origin` says by whom."""

        def call() -> bool:
            with self._client.pipeline() as pipe:
                pipe.incr(self._key(category, "version"))
                pipe.delete(*(self._key(category, form) for form in FORMS))
                if self._settings.use_pubsub:
                    pipe.publish(self.channel, json.dumps({"category": category, "origin": origin}))
                pipe.execute()
            return True

        return bool(self._run(call))

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._client.close()

    def _key(self, category: str, what: str) -> str:
        return f"{self._settings.key_prefix}:{category}:{what}"

    def _run(self, call: Callable[[], T]) -> T | None:
        if self._clock() < self._left_alone_until:
            return None
        attempts = 1 if self._pause_seconds else max(1, self._settings.retry_max_attempts)
        if self._pause_seconds:  # this call alone tries it
            self._left_alone_until = self._clock() + self._pause_seconds
        for left in reversed(range(attempts)):
            try:
                result = call()
            except (RedisError, OSError) as error:
                if left:
                    pause(self._settings.retry_backoff_seconds)
                else:
                    self._note_failure(error)
            else:
                self._note_success()
                return result
        return None

    def _note_failure(self, error: Exception) -> None:
        if not self._pause_seconds:
            log.warning("going on without Redis: %s: %s", type(error).__name__, error)
        self._pause_seconds = min(2 * self._pause_seconds or FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        self._left_alone_until = self._clock() + self._pause_seconds

    def _note_success(self) -> None:
        if self._pause_seconds:
            log.info("Redis answers again")
        self._pause_seconds = 0.0
        self._left_alone_until = float("-inf")


def open_client(settings: RedisSettings) -> Redis:
    """Return a client that connects when it is first used, and repeats nothing by itself."""
    pool = BlockingConnectionPool.from_url(
        settings.url,
        max_connections=settings.pool_size,
        timeout=settings.socket_timeout,
        socket_timeout=settings.socket_timeout,
        socket_connect_timeout=settings.socket_connect_timeout,
        socket_keepalive=True,
        health_check_interval=HEALTH_CHECK_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis(connection_pool=pool)
