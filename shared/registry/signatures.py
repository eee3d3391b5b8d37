"""Ed25519 signatures of catalogue entries: the keys in files, signing and checking."""

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import ValidationError

from registry.entries import Signature
from registry.entry_signature import PublicKey, signed_bytes
from service_kit.errors import ServiceError

KEY_BYTES: Final = 32
MAX_FILE_BYTES: Final = 16 * 1024
_KEY_ID_DIGITS: Final = 16


class KeyUnusable(ServiceError):
    """A key file that cannot be read as one. The text names the problem and never what is in the file."""


class Signer:
    """Signs with one private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = _described(key.public_key())

    @classmethod
    def from_file(cls, path: Path) -> "Signer":
        """Read an unencrypted PKCS #8 key in PEM, or the 32 bytes of the key in base64. Blocks.

        Raises `KeyUnusable`.
        """
        content = _read(path)
        try:
            if content.startswith(b"-----BEGIN"):
                key = load_pem_private_key(content, password=None)
                if not isinstance(key, Ed25519PrivateKey):
                    raise KeyUnusable(f"{path} holds a private key, but not one of Ed25519")
                return cls(key)
            return cls(Ed25519PrivateKey.from_private_bytes(_decoded(content, path)))
        except TypeError:  # this is how the library asks for a password
            raise KeyUnusable(f"{path} is encrypted: a key without a password is needed") from None
        except (ValueError, UnsupportedAlgorithm):  # its text may tell of the content
            raise KeyUnusable(f"{path} is PEM, but not a private key in PKCS #8") from None

    @property
    def key_id(self) -> str:
        """The name of the key, made from its public half."""
        return self.public_key.key_id

    def sign(self, content: bytes) -> str:
        """Return the signature of the content in base64."""
        return base64.b64encode(self._key.sign(content)).decode()


def signer_of(path: Path | None) -> Signer | None:
    """Read the key in the file, if there is to be one. Blocks. Raises `KeyUnusable`."""
    return None if path is None else Signer.from_file(path)


def read_public_key(path: Path) -> PublicKey:
    """Read a public key: the JSON that the service shows, PEM, or its 32 bytes in base64. Blocks.

    Raises `KeyUnusable`.
    """
    content = _read(path)
    if content.startswith(b"{"):
        return _from_json(content, path)
    if not content.startswith(b"-----BEGIN"):
        return _described(Ed25519PublicKey.from_public_bytes(_decoded(content, path)))
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnusable(f"{path} is PEM, but not a public key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnusable(f"{path} holds a public key, but not one of Ed25519")
    return _described(key)


def verify_signature(raw: bytes, signature: Signature, key: PublicKey) -> bool:
    """Say whether the stored bytes of an entry end with this signature, and the key made it."""
    content = signed_bytes(raw)
    if content is None or signature.key_id != key.key_id:
        return False
    public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public_key))
    try:
        value = base64.b64decode(signature.value, validate=True)
        public_key.verify(value, content)
    except (InvalidSignature, binascii.Error):
        return False
    return base64.b64encode(value).decode() == signature.value  # some bits of the last sign mean nothing


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise KeyUnusable(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise KeyUnusable(f"{path} is too large for a key")
    return content.strip()


def _decoded(content: bytes, path: Path) -> bytes:
    try:
        key = base64.b64decode(content, validate=True)
    except binascii.Error:
        raise KeyUnusable(f"{path} is neither PEM nor base64") from None
    if len(key) != KEY_BYTES:
        raise KeyUnusable(f"{path} holds {len(key)} bytes in base64, a key has {KEY_BYTES}")
    return key


def _from_json(content: bytes, path: Path) -> PublicKey:
    try:
        given = PublicKey.model_validate_json(content)
    except ValidationError:
        raise KeyUnusable(f"{path} is JSON, but not that of a public key") from None
    found = _described(Ed25519PublicKey.from_public_bytes(_decoded(given.public_key.encode(), path)))
    if found != given:
        raise KeyUnusable(f"{path}: the key is {found.key_id}, not what its key_id says")
    return found


def _described(key: Ed25519PublicKey) -> PublicKey:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return PublicKey(
        key_id=hashlib.sha256(raw).hexdigest()[:_KEY_ID_DIGITS], public_key=base64.b64encode(raw).decode()
    )
