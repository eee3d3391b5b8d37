"""What a query asks for."""

import re

STRINGS = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
SELECTORS = re.compile(r"\{[^{}]*\}|\[[^\[\]]*\]")
GROUPINGS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)")
WORDS = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
CALLS = re.compile(r"\b[a-z_0-9]+\s*\(")
OPERATORS = {"and", "or", "unless", "bool", "by", "without", "inf", "nan", "offset"}


def series_of(query: str) -> frozenset[str]:
    """Return the names of the series that a query in PromQL reads."""
    plain = query
    for pattern in (STRINGS, SELECTORS, GROUPINGS):
        plain = pattern.sub(" ", plain)
    plain = re.sub(r"\b[0-9][0-9a-zA-Z.]*", " ", plain)
    called = {match.group().rstrip("( \n\t") for match in CALLS.finditer(plain)}
    words = {word for word in WORDS.findall(plain) if word.lower() not in OPERATORS}
    return frozenset(words - called)
