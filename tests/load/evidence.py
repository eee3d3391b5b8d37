"""What the answers said, kept until it can be compared with what they should have said."""

import gzip
import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, Self

import brotli  # type: ignore[import-untyped] # it ships without types

MOST_PROBLEMS: Final = 50
KEPT_BODY_BYTES: Final = 256 * 1024  # documents are compared by their hash alone
MOST_FORMS: Final = 4096


@dataclass(slots=True)
class Evidence:
    """By address and revision, the hashes of the bodies that were served, and how often.

    `bodies` holds one of each that is small. One answer alone can be wrong too: `problems`.
    """

    seen: dict[tuple[str, int], Counter[str]] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def note(self, path: str, revision: int, digest: str, count: int = 1) -> None:
        """Add an answer, or that the body of this hash was said to be current."""
        self.seen.setdefault((path, revision), Counter())[digest] += count

    def keep(self, digest: str, body: bytes) -> None:
        """Keep a body if it is small."""
        if len(body) <= KEPT_BODY_BYTES:
            self.bodies.setdefault(digest, body)

    def problem(self, text: str) -> None:
        """Note what must not be."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(text)

    @property
    def answers(self) -> int:
        """How many answers there were."""
        return sum(counts.total() for counts in self.seen.values())

    def add(self, other: "Evidence") -> None:
        """Take over what another process saw."""
        for (path, revision), counts in other.seen.items():
            for digest, count in counts.items():
                self.note(path, revision, digest, count)
        self.bodies.update(other.bodies)
        self.problems += other.problems

    def render(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "seen": [
                [path, revision, digest, count]
                for (path, revision), counts in self.seen.items()
                for digest, count in counts.items()
            ],
            "bodies": {digest: body.decode() for digest, body in self.bodies.items()},
            "problems": self.problems,
        }

    @classmethod
    def parse(cls, given: dict[str, Any]) -> Self:
        """Read what `render` made."""
        bodies = {digest: text.encode() for digest, text in given["bodies"].items()}
        evidence = cls(bodies=bodies, problems=list(given["problems"]))
        for path, revision, digest, count in given["seen"]:
            evidence.note(path, revision, digest, count)
        return evidence


class Unpacker:
    """Unpacks bodies and hashes them; the same bytes only once, for most answers are the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}

    def digest(self, body: bytes, coding: str, evidence: Evidence) -> str:
        """Return the hash of the body unpacked; a body that is new goes to the evidence.

        Raises `ValueError` for one that cannot be unpacked.
        """
        key = (coding, hashlib.sha256(body).hexdigest())
        if (known := self._known.get(key)) is not None:
            return known
        plain = unpacked(body, coding)
        digest = hashlib.sha256(plain).hexdigest()
        evidence.keep(digest, plain)
        if len(self._known) >= MOST_FORMS:
            self._known.clear()
        self._known[key] = digest
        return digest


def unpacked(body: bytes, coding: str) -> bytes:
    """Return the body without its content coding. Raises `ValueError`."""
    try:
        if coding == "br":
            return bytes(brotli.decompress(body))
        if coding == "gzip":
            return gzip.decompress(body)
    except (brotli.error, OSError, EOFError) as error:
        raise ValueError(f"a body that is not {coding}: {error}") from error
    if not coding:
        return body
    raise ValueError(f"nobody asked for the coding {coding!r}")
