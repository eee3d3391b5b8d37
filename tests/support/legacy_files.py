"""What is different between two versions of a legacy file, found without the product's code."""

import json
import re
from collections import Counter
from collections.abc import Iterable


def changed_lines(before: bytes, after: bytes) -> tuple[list[bytes], list[bytes]]:
    """Return the lines that are gone and those that are new, with their line ends, in order."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return list((Counter(old) - Counter(new)).elements()), list((Counter(new) - Counter(old)).elements())


def record_text(body: bytes, name: str) -> str:
    """Return the text of a record, from its name to its last brace; empty where there is none."""
    text = body.decode()
    begin = re.search(re.escape(json.dumps(name)) + r"\s*:\s*(?=\{)", text)
    if begin is None:
        return ""
    _, end = json.JSONDecoder().raw_decode(text, begin.end())
    return text[begin.start() : end]


def assert_only_records_differ(before: bytes, after: bytes, names: Iterable[str]) -> None:
    """Every line that differs is one of these records, in a file of the same form and order."""
    named = list(names)
    touched = {
        line.strip().rstrip(",")
        for body in (before, after)
        for name in named
        for line in record_text(body, name).splitlines()
    }
    gone, new = changed_lines(before, after)
    strange = [line for line in (*gone, *new) if line.decode().strip().rstrip(",") not in touched]
    assert strange == []
    assert b"\r\n" in after or b"\r\n" not in before
    assert after.count(b"\n") == after.count(b"\r\n") or b"\r\n" not in before
    old, remaining = list(json.loads(before)), [name for name in json.loads(after) if name not in named]
    assert remaining == [name for name in old if name not in named]
