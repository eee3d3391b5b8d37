"""Parameter counts of text models: the CSV column in billions, and the size tag made of them."""

import math
from typing import Final

from horde_model_reference.strict_json import MAX_INTEGER

BILLION: Final = 10**9
MAX_PARAMETERS: Final = MAX_INTEGER
"""Larger numbers are refused."""

BILLION_DIGITS: Final = 9


def parse_parameters_bn(text: str) -> int:
    """Read the column parameters_bn, a decimal number of billions; the count is cut to a whole number.

    The multiplication is done in double precision, as the text repository's own converter does (sync.md
    section 6.2). Raises ValueError for text that is no number or a number out of range.
    """
    count = float(text) * BILLION
    if not math.isfinite(count) or abs(count) > MAX_PARAMETERS:
        raise ValueError(f"not a number of parameters: {text!r}")
    return int(count)


def render_parameters_bn(parameters: int) -> str:
    """Write a count as a decimal number of billions: the shortest text that `parse_parameters_bn` reads back.

    Counts above 2**53 that are no whole billions may have no such text; then the exact decimal is written.
    """
    exact = _exact_decimal(parameters)
    if parameters % BILLION == 0:
        return exact
    # Cutting the product can lose one (64.927633292 gives ...291); a further digit repairs that.
    padded = exact + "0" * (BILLION_DIGITS - len(exact.partition(".")[2]))
    candidates = (exact, *(padded + digit for digit in "159"))
    return next((text for text in candidates if int(float(text) * BILLION) == parameters), exact)


def size_tag(parameters: int) -> str:
    """Return the count in whole billions, rounded half to even, as a tag: `7B`."""
    whole, rest = divmod(parameters, BILLION)
    up = rest * 2 > BILLION or (rest * 2 == BILLION and whole % 2 == 1)
    return f"{whole + up}B"


def _exact_decimal(parameters: int) -> str:
    whole, rest = divmod(abs(parameters), BILLION)
    digits = f"{whole}.{rest:09d}".rstrip("0").rstrip(".")
    return f"-{digits}" if parameters < 0 else digits
