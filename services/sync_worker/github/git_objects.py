"""Objects of git and their names, computed as git does, so that nothing has to be written to compare."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

FILE_MODE: Final = "100644"
FILE_MODES: Final = frozenset({"100644", "100755"})
TREE_MODE: Final = "040000"


@dataclass(frozen=True, slots=True)
class Base:
    """The state of a branch that a run starts from."""

    commit_sha: str
    tree_sha: str
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit."""

    sha: str
    tree_sha: str
    parents: tuple[str, ...]
    message: str
    author_email: str
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a commit is by. Name and e-mail address of author and committer."""

    author_name: str
    author_email: str
    committer_name: str
    committer_email: str


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file or folder: its mode, six digits, and the name of its content."""

    mode: str
    sha: str


@dataclass(frozen=True, slots=True)
class Tree:
    """The top folder of a repository, by name. What lies in deeper folders is not looked at."""

    entries: Mapping[str, TreeEntry]

    @property
    def sha(self) -> str:
        """The name that git gives it."""
        lines = (
            f"{entry.mode.lstrip('0')} {name}".encode() + b"\0" + bytes.fromhex(entry.sha)
            for name, entry in sorted(self.entries.items(), key=_git_order)
        )
        return object_sha("tree", b"".join(lines))

    def with_files(self, files: Mapping[str, bytes | None]) -> "Tree":
        """Return it with these files, which keep their mode; None removes one."""
        entries = dict(self.entries)
        for name, content in files.items():
            if content is None:
                entries.pop(name, None)
            else:
                mode = entries[name].mode if name in entries else FILE_MODE
                entries[name] = TreeEntry(mode, object_sha("blob", content))
        return Tree(entries)

    def merged(self, before: "Tree", after: "Tree") -> "Tree | None":
        """Return it with what changed from `before` to `after`; None where both changed an entry."""
        entries = dict(self.entries)
        for name in before.entries.keys() | after.entries.keys():
            old, new, here = before.entries.get(name), after.entries.get(name), entries.get(name)
            if new in (old, here):
                continue
            if here != old:
                return None
            entries.pop(name, None)
            if new is not None:
                entries[name] = new
        return Tree(entries)


def object_sha(kind: str, content: bytes) -> str:
    """Return the name of a blob, tree or commit with that content."""
    head = f"{kind} {len(content)}\0".encode()
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()


def git_time(moment: datetime) -> str:
    """Return a moment as GitHub takes it for commits: whole seconds, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _git_order(item: tuple[str, TreeEntry]) -> bytes:
    name, entry = item
    return name.encode() + (b"/" if entry.mode == TREE_MODE else b"")
