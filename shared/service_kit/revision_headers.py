"""The headers that speak of revisions of the catalogue (architecture.md sections 2 and 4)."""

from typing import Final

from multidict import istr

X_REVISION: Final = istr("X-Revision")
"""The revision that an answer was made from."""

X_STALE: Final = istr("X-Stale")
"""`true` where newer revisions may exist that the instance cannot see."""

X_MIN_REVISION: Final = istr("X-Min-Revision")
"""The revision that a request demands."""
