"""Chance for pauses, apart from the generator of `random`: a program may have given that a seed."""

import random
from typing import Final

JITTER: Final = random.Random()  # noqa: S311 - it keeps nothing secret
