"""Back ends behind a Redis, and waiting for what they hear from each other."""

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from redis import Redis

from horde_model_reference.backends.redis import RedisBackend
from horde_model_reference.settings_blocks import RedisSettings
from support.reference_folders import a_backend

DEADLINE_SECONDS = 60.0


def redis_settings(url: str, **changes: Any) -> RedisSettings:
    """Settings with a prefix of their own, patient with a machine that stalls."""
    patient = {"socket_timeout": 20, "socket_connect_timeout": 20, "retry_max_attempts": 1}
    return RedisSettings(url=url, **{"key_prefix": f"test-{secrets.token_hex(6)}", **patient, **changes})


@contextlib.contextmanager
def redis_backend(base: Path, settings: RedisSettings, **options: Any) -> Iterator[RedisBackend]:
    backend = RedisBackend(file_backend=a_backend(base), redis_settings=settings, **options)
    try:
        yield backend
    finally:
        backend.close()


def names_in(backend: RedisBackend, category: str = "image_generation") -> list[str]:
    return list(backend.fetch_category(category) or {})


def eventually(is_so: Callable[[], bool]) -> bool:
    """Wait until something is so."""
    give_up_at = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True


class Listener:
    """Remembers what a back end told it, and lets a test wait for it."""

    def __init__(self, backend: RedisBackend) -> None:
        self.heard: list[str] = []
        self._told = threading.Condition()
        backend.register_invalidation_callback(self)

    def __call__(self, category: str) -> None:
        with self._told:
            self.heard.append(category)
            self._told.notify_all()

    def wait_for(self, category: str) -> bool:
        """Wait until it was told of the category; what was told until then is forgotten."""
        with self._told:
            was_told = self._told.wait_for(lambda: category in self.heard, DEADLINE_SECONDS)
            self.heard.clear()
        return was_told


def a_listener(backend: RedisBackend, settings: RedisSettings) -> Listener:
    """A listener to a back end that hears messages from now on, and has dealt with all earlier ones."""
    listener = Listener(backend)
    backend.fetch_category("clip")
    with Redis.from_url(settings.url) as client:
        channel = f"{settings.key_prefix}:invalidated"
        assert eventually(lambda: client.pubsub_numsub(channel)[0][1] > 0)
        probe = f"probe {secrets.token_hex(4)}"
        assert eventually(lambda: _hears(listener, client, channel, probe))
    listener.heard.clear()
    return listener


def _hears(listener: Listener, client: Redis, channel: str, probe: str) -> bool:
    client.publish(channel, json.dumps({"category": probe, "origin": "test"}))
    return probe in listener.heard
