"""The private key of a GitHub App, and what is signed with it (sync.md section 10).

The one token format that is needed, RS256, is a signature over two JSON objects; `cryptography`, which is
here already, makes the signature.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

BEFORE_SECONDS: Final = 60  # GitHub's clock may be behind ours
LIFE_SECONDS: Final = 540  # GitHub allows 600 by its own clock
HEAD: Final = {"alg": "RS256", "typ": "JWT"}


def load_rsa_key(pem: str) -> RSAPrivateKey:
    """Return the key in a PEM text; a backslash and an `n` stand for a line end. Raises `ValueError`."""
    try:
        key = load_pem_private_key(pem.replace("\\n", "\n").strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("holds no private key without a password, in the PEM format") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("holds another key than one for RSA")  # noqa: TRY004 - the value is wrong
    return key


class AppKey:
    """Says that we are the App: an `Authenticator` for the calls about the App itself."""

    def __init__(self, app_id: str, key: RSAPrivateKey, wall: Callable[[], float]) -> None:
        self._issuer = int(app_id) if app_id.isdecimal() else app_id
        self._key = key
        self._wall = wall

    async def token(self) -> str | None:
        now = int(self._wall())
        claims: dict[str, object] = {
            "iat": now - BEFORE_SECONDS,
            "exp": now + LIFE_SECONDS,
            "iss": self._issuer,
        }
        return await asyncio.to_thread(self._sign, claims)

    def invalidate(self, token: str) -> bool:  # noqa: ARG002 - the next one would be refused too
        return False

    def _sign(self, claims: dict[str, object]) -> str:
        signed = f"{_packed(HEAD)}.{_packed(claims)}"
        return f"{signed}.{_text(self._key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def _packed(value: Mapping[str, object]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
