"""Follows the live feed of a PRIMARY."""

import asyncio
import logging
from typing import Final

from horde_model_reference.jitter import JITTER
from horde_model_reference.replica.errors import NotOffered, SourceFailed
from read_api.replica.primary import Primary
from read_api.replica.source import ReplicaSource

FIRST_PAUSE_SECONDS: Final = 1.0
MAX_PAUSE_SECONDS: Final = 30.0
NOT_OFFERED_PAUSE_SECONDS: Final = 600.0

log = logging.getLogger(__name__)


class PrimaryFeed:
    """Tells the source of every revision that the PRIMARY announces; a lost connection is made again.

    Without the feed the source looks at its interval.
    """

    def __init__(self, primary: Primary, source: ReplicaSource) -> None:
        self._primary = primary
        self._source = source
        self.attached = False

    async def run(self) -> None:
        """Follow until cancelled."""
        pause_seconds = FIRST_PAUSE_SECONDS
        while True:
            await self._source.knows_revisions.wait()
            try:
                if await self._listen():
                    pause_seconds = FIRST_PAUSE_SECONDS
            except NotOffered:
                pause_seconds = NOT_OFFERED_PAUSE_SECONDS
            except SourceFailed as error:
                log.info("the live feed of the PRIMARY is lost: %s", error)
            except Exception:  # top of a background loop: the next connection may be better
                log.exception("following the live feed failed")
            finally:
                if self.attached:
                    self._source.nudge()  # is it only the feed, or the PRIMARY?
                self.attached = False
            await asyncio.sleep(pause_seconds * JITTER.uniform(0.5, 1.5))
            pause_seconds = min(2 * pause_seconds, MAX_PAUSE_SECONDS)

    async def _listen(self) -> bool:
        """Listen until the PRIMARY ends the stream, and return whether it told anything."""
        async with self._primary.events(None) as events:
            async for event in events:
                self.attached = True
                self._source.note_told(event.revision)
        return self.attached
