"""What the signature of a catalogue entry covers, without the cryptography (architecture section 8).

The signature is the last member of a stored entry. What is signed are the entry's bytes with this member, and
the comma before it, cut out: the closing brace and the newline stay. By the chain of hashes, and those of the
blobs, it covers everything before the entry, too.
"""

import re
from typing import Final, Literal, Protocol

from registry.catalogue import FrozenModel
from registry.entries import Entry, Signature, render_entry

_MEMBER: Final = re.compile(
    rb',"signature":\{"key_id":"[0-9a-f]{16}","value":"[A-Za-z0-9+/]{86}=="\}(?=\}\n\Z)'
)
_LONGEST_MEMBER_BYTES: Final = 200


class EntrySigner(Protocol):
    """Holds a private key."""

    @property
    def key_id(self) -> str:
        """The name of the key: 16 hexadecimal digits."""

    def sign(self, content: bytes) -> str:
        """Return the Ed25519 signature in base64."""


class PublicKey(FrozenModel):
    """What signatures are checked with. `key_id` is the beginning of the SHA-256 of the 32 bytes of the key.

    `public_key` are these bytes in base64.
    """

    algorithm: Literal["ed25519"] = "ed25519"
    key_id: str
    public_key: str


def signed(entry: Entry, signer: EntrySigner) -> Entry:
    """Return the entry with a signature if it makes a new revision; every other entry as it is."""
    if entry.catalogue is None:
        return entry
    content = render_entry(entry.model_copy(update={"signature": None}))
    signature = Signature(key_id=signer.key_id, value=signer.sign(content))
    return entry.model_copy(update={"signature": signature})


def signed_bytes(raw: bytes) -> bytes | None:
    """Return what the signature of a stored entry covers; None where the entry does not end with one."""
    member = _MEMBER.search(raw, max(0, len(raw) - _LONGEST_MEMBER_BYTES))
    return None if member is None else raw[: member.start()] + raw[member.end() :]
