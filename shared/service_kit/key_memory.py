"""A bounded memory of what is known about API keys, by their keyed hash."""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from typing import Generic, TypeVar

Fact = TypeVar("Fact")


class KeyHash:
    """Hashes keys with a secret that only this process has, and only while it lives."""

    __slots__ = ("_secret",)

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def __call__(self, apikey: str) -> bytes:
        """Return what stands for the key."""
        return hmac.digest(self._secret, apikey.encode(), hashlib.sha256)


class KeyMemory(Generic[Fact]):
    """What was learnt about a key and when; beyond `max_keys` the longest unused go first."""

    def __init__(self, max_keys: int) -> None:
        self._max_keys = max_keys
        self._facts: OrderedDict[bytes, tuple[Fact, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._facts)

    def put(self, key_hash: bytes, fact: Fact, now: float) -> None:
        """Remember the fact in place of an earlier one."""
        self._facts[key_hash] = (fact, now)
        self._facts.move_to_end(key_hash)
        while len(self._facts) > self._max_keys:
            self._facts.popitem(last=False)

    def find(self, key_hash: bytes, now: float, *, within_seconds: float) -> Fact | None:
        """Return the fact if it was learnt less than `within_seconds` ago."""
        found = self._facts.get(key_hash)
        if found is None or now - found[1] >= within_seconds:
            return None
        self._facts.move_to_end(key_hash)
        return found[0]

    def forget(self, key_hash: bytes) -> None:
        """Forget the key, if it is remembered."""
        self._facts.pop(key_hash, None)
