"""The mirror from which files are taken by their hash (python-client.md section 10)."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from horde_model_reference.downloads.checksums import is_sha256, known_sha256

_LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, repr=False)
class Gateway:
    """A mirror and the key that it wants. Nothing of it shows in a log."""

    base_url: str
    apikey: str


def gateway_accepts_key(url: str) -> bool:
    """Say whether a key may be sent there: over https, or over http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOCAL_HOSTS))


def gateway_url_for(base_url: str, sha256: str) -> str:
    """Return the address of a file on the mirror."""
    return f"{base_url.rstrip('/')}/by-hash/{sha256.lower()}"


def usable_gateway(base_url: str | None, apikey: str | None) -> Gateway | None:
    """Return the mirror if there is one, there is a key for it, and the key may be sent there."""
    if not base_url or not apikey or not gateway_accepts_key(base_url):
        return None
    return Gateway(base_url, apikey)


def has_address_by_hash(sha256: str | None) -> bool:
    """Say whether the hash is known, and is one: only then can the mirror have the file."""
    known = known_sha256(sha256)
    return known is not None and is_sha256(known)
