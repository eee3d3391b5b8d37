"""A thread that hears from Redis what other processes invalidated."""

import logging
import threading
from collections.abc import Callable
from typing import Final

from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

from horde_model_reference.fork_safe_lock import ForkSafeLock
from horde_model_reference.lenient_json import UnusableJson, read_object

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.5
"""How long the thread waits for a message before it looks whether it shall end."""

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
CLOSE_SECONDS: Final = 5.0


class RedisListener:
    """Tells `on_invalidated(category, origin)` of every message, in a thread of its own.

    `on_gap()` is called whenever listening begins: messages may have been missed before. A lost connection
    is made again, after pauses that grow. A forked child listens for itself from its first `ensure_running`.
    """

    def __init__(
        self,
        client: Redis,
        channel: str,
        *,
        on_invalidated: Callable[[str, str], None],
        on_gap: Callable[[], None],
    ) -> None:
        self._client = client
        self._channel = channel
        self._on_invalidated = on_invalidated
        self._on_gap = on_gap
        self._lock = ForkSafeLock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._pause_seconds = FIRST_PAUSE_SECONDS

    def ensure_running(self) -> None:
        """Start the thread unless it runs. It does not keep the program from ending."""
        thread = self._thread
        if (thread is not None and thread.is_alive()) or self._stop.is_set():
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="redis-invalidations", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the thread for good; harmless when repeated."""
        self._stop.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSE_SECONDS)
        self._client.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._client.pubsub() as pubsub:  # type: ignore[no-untyped-call] # redis has no types here
                    pubsub.subscribe(self._channel)
                    self._follow(pubsub)
            except (RedisError, OSError) as error:
                log.info("not hearing from Redis for now: %s: %s", type(error).__name__, error)
                self._stop.wait(self._pause_seconds)
                self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)

    def _follow(self, pubsub: PubSub) -> None:
        while not self._stop.is_set():
            message = pubsub.get_message(timeout=POLL_SECONDS)
            if message is None:
                continue
            if message["type"] == "subscribe":
                self._pause_seconds = FIRST_PAUSE_SECONDS
                self._on_gap()
            elif message["type"] == "message":
                self._pass_on(message["data"])

    def _pass_on(self, data: bytes) -> None:
        try:
            told = read_object(data)
            category, origin = str(told["category"]), str(told["origin"])
        except (UnusableJson, KeyError):
            log.warning("%s carries something else than an invalidation: %.100r", self._channel, data)
        else:
            self._on_invalidated(category, origin)
