"""The certificate files: whether they changed, and until when the certificate is good."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509

UNREADABLE: Final = "unreadable"


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where certificate and key are."""

    certificate: Path
    key: Path

    def fingerprint(self) -> str:
        """Return a text that changes when a file does. Blocks."""
        try:
            both = self.certificate.read_bytes(), self.key.read_bytes()
        except OSError:
            return UNREADABLE
        return hashlib.sha256(b"\0".join(both)).hexdigest()

    def expires_at(self) -> float:
        """Return the end of the first certificate as a Unix time. Blocks. Raises `OSError`, `ValueError`."""
        first = x509.load_pem_x509_certificates(self.certificate.read_bytes())[0]
        return first.not_valid_after_utc.timestamp()
