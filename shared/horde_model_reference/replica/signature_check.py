"""Checks the signature of the journal entry that made a revision.

The last member of a signed entry is its signature. What is signed are the entry's bytes with this member, and
the comma before it, cut out (docs/api.md, `GET /model_references/v2/revisions/{n}/entry`).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, ValidationError

from horde_model_reference.lenient_json import UnusableJson, read_object
from horde_model_reference.no_fork import no_fork
from horde_model_reference.replica.errors import SourceUnusable

KEY_BYTES: Final = 32
KEY_ID_DIGITS: Final = 16
MAX_KEY_FILE_BYTES: Final = 16 * 1024
HINT: Final = "checking signatures needs cryptography: pip install 'horde-model-reference[signatures]'"

_MEMBER: Final = re.compile(
    rb',"signature":\{"key_id":"([0-9a-f]{16})","value":"([A-Za-z0-9+/]{86}==)"\}(?=\}\n?\Z)'
)
_LONGEST_MEMBER_BYTES: Final = 200


class SigningKeyUnusable(RuntimeError):
    """What is given as the public key is none. The text names the problem and not what was given."""


class SignedCatalogue(NamedTuple):
    """What a signed entry vouches for: the SHA-256 of the documents of each category at a revision."""

    revision: int
    v2_sha256: Mapping[str, str]
    legacy_sha256: Mapping[str, str]


class _Blobs(BaseModel):
    v2: str
    legacy: str | None = None


class _Catalogue(BaseModel):
    revision: int
    categories: dict[str, _Blobs]


class _Entry(BaseModel):
    catalogue: _Catalogue


def verify(entry: bytes, public_key: str) -> SignedCatalogue:
    """Return what the entry says, if it is signed with the key.

    The key is its 32 bytes in base64, or the path of a file with that, with PEM, or with the JSON that the
    server shows as its key: this may read a file. Raises `SourceUnusable` where the signature is missing,
    wrong or of another key, and `RuntimeError` where `cryptography` or a usable key is missing.
    """
    key = _key_bytes(public_key)
    member = _MEMBER.search(entry, max(0, len(entry) - _LONGEST_MEMBER_BYTES))
    if member is None:
        raise SourceUnusable("the entry of the revision is not signed")
    key_id, value = (group.decode() for group in member.groups())
    if key_id != hashlib.sha256(key).hexdigest()[:KEY_ID_DIGITS]:
        raise SourceUnusable(f"the entry of the revision is signed with another key, {key_id}")
    if not _is_signed(entry[: member.start()] + entry[member.end() :], value, key):
        raise SourceUnusable("the signature of the revision is wrong")
    return _catalogue(entry)


def _is_signed(content: bytes, signature: str, key: bytes) -> bool:
    try:
        with no_fork:
            from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an optional dependency
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    except ImportError as error:
        raise RuntimeError(HINT) from error
    value = base64.b64decode(signature)
    if base64.b64encode(value).decode() != signature:  # some bits of the last sign mean nothing
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(value, content)
    except InvalidSignature:
        return False
    return True


def _catalogue(entry: bytes) -> SignedCatalogue:
    try:
        catalogue = _Entry.model_validate_json(entry).catalogue
    except ValidationError as error:
        raise SourceUnusable("the entry is signed, but is not that of a revision") from error
    legacy = {name: item.legacy for name, item in catalogue.categories.items() if item.legacy is not None}
    return SignedCatalogue(
        revision=catalogue.revision,
        v2_sha256={name: item.v2 for name, item in catalogue.categories.items()},
        legacy_sha256=legacy,
    )


def _key_bytes(given: str) -> bytes:
    key = _decoded(given.strip().encode())
    if key is not None:
        return key
    content = _file_content(Path(given))
    if content.startswith(b"-----BEGIN"):
        return _from_pem(content)
    if content.startswith(b"{"):
        content = _from_json(content)
    key = _decoded(content)
    if key is None:
        raise SigningKeyUnusable("the file of the signing key holds no public key of Ed25519")
    return key


def _decoded(text: bytes) -> bytes | None:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return key if len(key) == KEY_BYTES else None


def _file_content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_FILE_BYTES).strip()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise SigningKeyUnusable(
            "the signing key is neither 32 bytes in base64 nor a file that can be read"
        ) from error


def _from_json(content: bytes) -> bytes:
    try:
        text = read_object(content).get("public_key")
    except UnusableJson as error:
        raise SigningKeyUnusable("the file of the signing key is not JSON") from error
    return text.encode() if isinstance(text, str) else b""


def _from_pem(content: bytes) -> bytes:
    try:
        with no_fork:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
            from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415
    except ImportError as error:
        raise RuntimeError(HINT) from error
    try:
        key = load_pem_public_key(content)
    except ValueError as error:
        raise SigningKeyUnusable("the file of the signing key is PEM, but not a public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyUnusable("the file of the signing key holds a key, but not one of Ed25519")
    return key.public_bytes_raw()
