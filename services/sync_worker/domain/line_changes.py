"""Which lines differ between two texts, found in nearly linear time.

The standard differ needs time that grows with the square of the length. Here lines that occur once in both
texts are matched first (patience diff), and it is asked only for what lies between two of them.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

LARGEST_GAP: Final = 250_000
"""Product of two lengths up to which the standard differ is asked (about 0.1 s); beyond, all is replaced."""


@dataclass(frozen=True, slots=True)
class LineChange:
    """Lines that give way to others; the numbers count from 0, the ends are not included."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def line_changes(old: Sequence[bytes], new: Sequence[bytes]) -> Iterator[LineChange]:
    """Yield what has to change, in order; between two changes there is at least one equal line."""
    waiting = [LineChange(0, len(old), 0, len(new))]
    while waiting:  # a stack and not recursion: the depth may grow with the length
        region = _without_equal_ends(old, new, waiting.pop())
        if region.old_start == region.old_end or region.new_start == region.new_end:
            if region.old_end - region.old_start + region.new_end - region.new_start:
                yield region
            continue
        gaps = _gaps(old, new, region)
        if len(gaps) > 1:
            waiting.extend(reversed(gaps))
        else:
            yield from _standard_changes(old, new, region)


def _without_equal_ends(old: Sequence[bytes], new: Sequence[bytes], region: LineChange) -> LineChange:
    i, i_end, j, j_end = region.old_start, region.old_end, region.new_start, region.new_end
    while i < i_end and j < j_end and old[i] == new[j]:
        i, j = i + 1, j + 1
    while i < i_end and j < j_end and old[i_end - 1] == new[j_end - 1]:
        i_end, j_end = i_end - 1, j_end - 1
    return LineChange(i, i_end, j, j_end)


def _gaps(old: Sequence[bytes], new: Sequence[bytes], region: LineChange) -> list[LineChange]:
    """Return what lies between the lines that occur once on both sides and in the same order."""
    gaps, i, j = list[LineChange](), region.old_start, region.new_start
    for old_place, new_place in _anchors(old, new, region):
        gaps.append(LineChange(i, old_place, j, new_place))
        i, j = old_place + 1, new_place + 1
    return [*gaps, LineChange(i, region.old_end, j, region.new_end)]


def _anchors(old: Sequence[bytes], new: Sequence[bytes], region: LineChange) -> Iterator[tuple[int, int]]:
    old_places = _unique_places(old, region.old_start, region.old_end)
    new_places = _unique_places(new, region.new_start, region.new_end)
    pairs = [(place, new_places[line]) for line, place in old_places.items() if line in new_places]
    kept = _longest_rising([place for _, place in pairs])
    return (pairs[index] for index in kept)


def _unique_places(lines: Sequence[bytes], start: int, end: int) -> dict[bytes, int]:
    counts = Counter(lines[start:end])
    return {lines[index]: index for index in range(start, end) if counts[lines[index]] == 1}


def _longest_rising(numbers: Sequence[int]) -> list[int]:
    """Return the indices of a longest rising part of distinct numbers (patience sorting)."""
    tops, top_indices, before = list[int](), list[int](), list[int]()
    for index, number in enumerate(numbers):
        pile = bisect_left(tops, number)
        before.append(top_indices[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [number]
        top_indices[pile : pile + 1] = [index]
    result, index = list[int](), top_indices[-1] if top_indices else -1
    while index >= 0:
        result.append(index)
        index = before[index]
    return result[::-1]


def _standard_changes(old: Sequence[bytes], new: Sequence[bytes], region: LineChange) -> Iterator[LineChange]:
    i, j = region.old_start, region.new_start
    before, after = old[i : region.old_end], new[j : region.new_end]
    if len(before) * len(after) > LARGEST_GAP:
        yield region
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            yield LineChange(i + i1, i + i2, j + j1, j + j2)
