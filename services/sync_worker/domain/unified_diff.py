"""One unified diff of changed files, as `git apply` takes it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from sync_worker.domain.line_changes import LineChange, line_changes

CONTEXT: Final = 3
NO_LINE_END: Final = b"\n\\ No newline at end of file\n"


def unified_diff(before: Mapping[str, bytes | None], after: Mapping[str, bytes]) -> bytes:
    """Return the diff of the changed files in `after`; one that `before` lacks is new."""
    return b"".join(_file_diff(path, before.get(path), after[path]) for path in sorted(after))


def _file_diff(path: str, before: bytes | None, after: bytes) -> bytes:
    if before == after:
        return b""
    old, new = _lines(before or b""), _lines(after)
    header = f"diff --git a/{path} b/{path}\n"
    if before is None:
        header += "new file mode 100644\n"
    if old or new:
        header += f"--- {'/dev/null' if before is None else f'a/{path}'}\n+++ b/{path}\n"
    groups = _grouped(line_changes(old, new))
    return b"".join((header.encode(), *(_hunk(old, new, group) for group in groups)))


def _lines(body: bytes) -> list[bytes]:
    """Split behind line feeds only: a carriage return belongs to its line."""
    *lines, rest = body.split(b"\n")
    lines = [line + b"\n" for line in lines]
    return [*lines, rest] if rest else lines


def _grouped(changes: Iterable[LineChange]) -> Iterator[list[LineChange]]:
    """Put changes together whose surroundings touch each other."""
    group: list[LineChange] = []
    for change in changes:
        if group and change.old_start - group[-1].old_end > 2 * CONTEXT:
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _hunk(old: Sequence[bytes], new: Sequence[bytes], group: Sequence[LineChange]) -> bytes:
    first, last = group[0], group[-1]
    lead = min(CONTEXT, first.old_start)
    trail = min(CONTEXT, len(old) - last.old_end)
    begin, end = first.old_start - lead, last.old_end + trail
    parts, position = list[bytes](), begin
    for change in group:
        parts += _marked(b" ", old[position : change.old_start])
        parts += _marked(b"-", old[change.old_start : change.old_end])
        parts += _marked(b"+", new[change.new_start : change.new_end])
        position = change.old_end
    parts += _marked(b" ", old[position:end])
    ranges = f"@@ -{_range(begin, end)} +{_range(first.new_start - lead, last.new_end + trail)} @@\n"
    return b"".join((ranges.encode(), *parts))


def _marked(sign: bytes, lines: Iterable[bytes]) -> Iterator[bytes]:
    return (sign + (line if line.endswith(b"\n") else line + NO_LINE_END) for line in lines)


def _range(begin: int, end: int) -> str:
    """Return where lines stand, counted from 1; without any, behind which line."""
    return f"{begin + 1 if end > begin else begin},{end - begin}"
