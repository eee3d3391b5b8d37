"""How it stands with the PRIMARY: when it answered last, and whether it is in trouble."""

import logging
import math
import time

from horde_model_reference.replica.errors import SourceFailed, SourceRefused

log = logging.getLogger(__name__)


class Contact:
    """Takes note of successes and failures, and logs where the one follows the other.

    `answered_at` is a moment of the monotonic clock.
    """

    def __init__(self) -> None:
        self.answered_at = -math.inf
        self._failed_at = -math.inf
        self._in_trouble = False

    @property
    def age_seconds(self) -> float:
        """How long ago the PRIMARY answered; infinite before the first time."""
        return time.monotonic() - self.answered_at

    def came_back_since(self, moment: float) -> bool:
        """Say whether it failed after a moment, and has answered after that."""
        return self.answered_at > self._failed_at >= moment

    def note_success(self) -> bool:
        """Take note of an answer, and return whether that ends a time of trouble."""
        self.answered_at = time.monotonic()
        ended, self._in_trouble = self._in_trouble, False
        if ended:
            log.info("the PRIMARY answers again")
        return ended

    def note_failure(self, error: SourceFailed) -> None:
        """Log: the first time loudly, for what is held may be old from now on."""
        if isinstance(error, SourceRefused):
            log.info("the PRIMARY does not have it: %s", error)
            return
        level = logging.DEBUG if self._in_trouble else logging.WARNING
        log.log(level, "the PRIMARY gives nothing: %s", error)
        self._in_trouble = True
        self._failed_at = time.monotonic()
