"""Topic patterns."""

import re

from hypothesis import given
from hypothesis import strategies as st

from service_kit.event_bus import matches

WORDS = st.sampled_from(["a", "b", "c"])
KEYS = st.lists(WORDS, min_size=1, max_size=5).map(".".join)
PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "#"]), min_size=1, max_size=4).map(".".join)


def as_expression(pattern: str) -> str:
    """Translate a pattern into an expression over words that each end with a dot."""
    parts = {"*": r"[^.]+\.", "#": r"(?:[^.]+\.)*"}
    return "".join(parts.get(word, re.escape(word) + r"\.") for word in pattern.split("."))


@given(PATTERNS, KEYS)
def test_pattern_covers_what_the_equal_expression_covers(pattern: str, key: str) -> None:
    assert matches(pattern, key) == bool(re.fullmatch(as_expression(pattern), key + "."))


@given(KEYS)
def test_key_covers_itself_and_hash_covers_all(key: str) -> None:
    assert matches(key, key)
    assert matches("#", key)
    assert not matches(key, key + ".more")
