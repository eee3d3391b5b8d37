"""Whether the catalogue entries of a journal are signed as they should be."""

from collections.abc import Iterable

from registry.entries import Entry
from registry.entry_signature import PublicKey
from registry.signatures import verify_signature


class SignatureCheck:
    """Takes the entries of a journal in order. Without public keys signatures are only counted."""

    def __init__(self, public_keys: Iterable[PublicKey]) -> None:
        self._keys = {key.key_id: key for key in public_keys}
        self._first_signed: int | None = None
        self.signed = 0

    @property
    def has_keys(self) -> bool:
        """Whether signatures are checked."""
        return bool(self._keys)

    def problem(self, entry: Entry, raw: bytes) -> str | None:
        """Return what is wrong with the signature of an entry, or with its lack of one."""
        if entry.signature is None:
            if entry.catalogue is None or self._first_signed is None or not self._keys:
                return None
            return f"entry {entry.sequence} is not signed, although entry {self._first_signed} is"
        self.signed += 1
        self._first_signed = self._first_signed or entry.sequence
        if not self._keys:
            return None
        key = self._keys.get(entry.signature.key_id)
        if key is None:
            return f"entry {entry.sequence} is signed with another key: {entry.signature.key_id}"
        if not verify_signature(raw, entry.signature, key):
            return f"entry {entry.sequence}: the signature is not valid"
        return None

    def final_problem(self) -> str | None:
        """Return what is wrong after the last entry: who has a public key expects signatures."""
        if self._keys and not self.signed:
            return "no entry is signed, although a public key was given"
        return None
