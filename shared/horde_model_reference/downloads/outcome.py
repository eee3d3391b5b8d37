"""What a download is told, and what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

from horde_model_reference.downloads.checksums import known_sha256

ProgressCallback = Callable[[int, int], object]
"""Called with the bytes there are and the bytes there will be (0: unknown). What it raises ends it all."""

DEFAULT_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class DownloadOutcome:
    """What came of a download. `sha256` is that of the whole file, None when it is not whole."""

    success: bool
    final_path: Path
    bytes_written: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait: between attempts, for a silent server, for another download of the same file."""

    pause_seconds: float = 2.0
    silence_seconds: float = 20.0
    look_again_seconds: float = 0.5
    other_download_seconds: float = 300.0


def with_token(url: str, token: str | None) -> str:
    """Return the URL with `token=` appended to its query; the rest of it stays letter for letter."""
    if not token:
        return url
    address, mark, fragment = url.partition("#")
    sign = "&" if "?" in address else "?"
    return f"{address}{sign}token={quote(token, safe='')}{mark}{fragment}"


@dataclass(frozen=True, slots=True)
class FileOrder:
    """One file to be had from one address. `max_attempts` counts the first one, too."""

    url: str
    destination: Path
    expected_sha256: str | None = None
    auth_query_token: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_attempts: int = DEFAULT_ATTEMPTS
    connections: int = 1
    progress: ProgressCallback | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """The URL with the token."""
        return with_token(self.url, self.auth_query_token)

    @property
    def known_sha256(self) -> str | None:
        """The hash that the file must have, in lower case; None when any file will do."""
        return known_sha256(self.expected_sha256)

    def report(self, done: int, total: int) -> None:
        """Tell the caller how far it is. Raises what the caller raises."""
        if self.progress is not None:
            self.progress(done, total)
