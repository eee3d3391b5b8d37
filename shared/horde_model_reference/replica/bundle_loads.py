"""Many categories in one request, where a PRIMARY offers that."""

import asyncio
import logging
import time
from typing import Final, Protocol

from horde_model_reference.replica.catalogue import Catalogue
from horde_model_reference.replica.errors import SourceFailed
from horde_model_reference.replica.flights import Flights
from horde_model_reference.replica.lower_sources import LowerSources
from horde_model_reference.replica.primary_source import PrimarySource

BUNDLE_FROM: Final = 4
"""As many categories are asked for in one request."""

log = logging.getLogger(__name__)


class Holder(Protocol):
    """What has to be filled."""

    @property
    def catalogue(self) -> Catalogue:
        """What is held now."""

    def begin(self, category: str) -> asyncio.Task[None]:
        """Begin to load a category, or join who does."""

    async def take_bundle(self, primary: PrimarySource, bundle: Catalogue, *, as_of: float) -> None:
        """Hold what a bundle has. Raises `SourceFailed` if what is held is better."""


class BundleLoads:
    """Loads what is missing in one request if it is much, and the PRIMARY has bundles.

    What a bundle lacked is never asked for in this way again.
    """

    def __init__(self, holder: Holder, flights: Flights, lower: LowerSources) -> None:
        self._holder = holder
        self._flights = flights
        self._lower = lower
        self._asked: set[str] = set()

    async def obtain(self, primary: PrimarySource, missing: list[str]) -> None:
        """Load one category; if that tells that a bundle can be had, the others with it."""
        if not primary.takes_bundles or len(missing) < BUNDLE_FROM:
            return
        if self._holder.catalogue.revision is None:
            await asyncio.wait({self._holder.begin(missing[0])})
        rest = [name for name in missing[1:] if self._may_be_bundled(name)]
        if self._holder.catalogue.revision is None or len(rest) < BUNDLE_FROM:
            return
        if await self._lower.has_copies(rest):  # which need no more than what has changed since
            return
        self._asked.update(rest)
        await asyncio.wait({self._flights.begin(rest, lambda: self._load(primary))})

    def _may_be_bundled(self, category: str) -> bool:
        return category not in self._asked and not self._flights.is_under_way(category)

    async def _load(self, primary: PrimarySource) -> None:
        began = time.monotonic()
        try:
            await self._holder.take_bundle(primary, await primary.load_all(), as_of=began)
        except SourceFailed as error:
            log.info("no bundle: %s", error)  # the categories are asked for one by one
