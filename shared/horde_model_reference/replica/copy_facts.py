"""What is known of a copy on disk beside its bytes: where it is from, and how new it is."""

import hashlib
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

Origin = Literal["primary", "github", "unknown"]

CLOCK_TOLERANCE_SECONDS: Final = 60.0
NEW_JOURNAL_SECONDS: Final = 600.0


class CopyFacts(BaseModel):
    """Where a copy is from. `sha256` is that of its bytes; `fetched_at` is in Unix seconds."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    origin: Origin
    source_url: str | None
    etag: str | None
    revision: int | None
    fetched_at: float

    @classmethod
    def from_json(cls, text: bytes) -> Self | None:
        """Read facts; None for what are none."""
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            return None

    def outrank(self, other: "CopyFacts", now: float) -> bool:
        """Say whether this copy is to stay, for it is of the same source as the other and newer.

        Between revisions the higher one is newer. But one that was fetched long before belongs to a past
        that the server has given up, or the lower would be refused for ever; and a time that lies in the
        future was told by a wrong clock.
        """
        if (self.origin, self.source_url) != (other.origin, other.source_url):
            return False
        if self.fetched_at > now + CLOCK_TOLERANCE_SECONDS:
            return False
        if self.revision is not None and other.revision is not None and self.revision != other.revision:
            is_of_this_time = other.fetched_at - self.fetched_at < NEW_JOURNAL_SECONDS
            return self.revision > other.revision and is_of_this_time
        return self.fetched_at > other.fetched_at


def sha256_of(body: bytes) -> str:
    """Return the hash by which facts and bytes are known to belong together."""
    return hashlib.sha256(body).hexdigest()
