"""Where the files of a model are (statistics.md sections 2 and 4.2)."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from stats.domain.record_facts import Record, download_entries_of


@dataclass(frozen=True, slots=True)
class Downloads:
    """The download entries of a record. `hosts` holds host[:port] of each URL that has scheme and host."""

    count: int = 0
    hosts: tuple[str, ...] = ()
    has_unreadable_url: bool = False

    @property
    def different_hosts(self) -> tuple[str, ...]:
        """Return each host once, in the order of occurrence."""
        return tuple(dict.fromkeys(self.hosts))


def downloads_of(record: Record) -> Downloads:
    """Return what a record says about its files."""
    hosts: list[str] = []
    has_unreadable_url = False
    entries = download_entries_of(record)
    for entry in entries:
        try:
            host = _host_of(entry.get("file_url"))
        except ValueError:
            has_unreadable_url = True
        else:
            hosts += [host] if host else []
    return Downloads(len(entries), tuple(hosts), has_unreadable_url)


def is_preferred(host: str, preferred: Collection[str]) -> bool:
    """Return whether the host is one of the preferred ones, or below one; ports do not matter."""
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return any(name == one.lower() or name.endswith("." + one.lower()) for one in preferred)


def _host_of(url: object) -> str | None:
    """Return host[:port] in lower case, without user and password. Raises `ValueError` for what is no URL."""
    if not isinstance(url, str):
        return None
    parts = urlsplit(url)
    if not parts.scheme or not parts.hostname:
        return None
    return parts.netloc.rpartition("@")[2].lower()
