"""Which instances there are: the names of the settings, looked up again and again."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gateway.addresses import Target, literal, parse_target, socket_address
from gateway.configuration import Service
from gateway.metrics import GatewayMetrics
from gateway.resolving import NobodyKnows, Resolver

NobodyYet: Final[tuple[str, ...]] = ()

log = logging.getLogger(__name__)


class Upstreams:
    """Remembers what was found last.

    A name without an address keeps its last ones for `forget_seconds`, and one that nobody knows anything
    about for good: an instance that is gone costs a try, a name server that is ill must cost nothing.
    """

    def __init__(
        self,
        named: Mapping[Service, Sequence[str]],
        resolver: Resolver,
        metrics: GatewayMetrics,
        forget_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._targets = {kind: [parse_target(text) for text in texts] for kind, texts in named.items()}
        self._resolver = resolver
        self._metrics = metrics
        self._forget_seconds = forget_seconds
        self._clock = clock
        self._known: dict[str, tuple[str, ...]] = {}
        self._seen_at: dict[str, float] = {}
        self._troubles: dict[str, str] = {}
        self.addresses: dict[Service, tuple[str, ...]] = {}

    async def refresh(self) -> None:
        """Look up all names at once; `addresses` is what there is then, in the order of the settings."""
        names = {target.host for targets in self._targets.values() for target in targets}
        asked = [name for name in names if literal(name) is None]
        await asyncio.gather(*(self._ask(name) for name in asked))
        for kind, targets in self._targets.items():
            found = [
                socket_address(address, target.port) for target in targets for address in self._of(target)
            ]
            self.addresses[kind] = tuple(dict.fromkeys(found))
            self._metrics.upstream_addresses.labels(kind).set(len(self.addresses[kind]))

    def _of(self, target: Target) -> tuple[str, ...]:
        fixed = literal(target.host)
        return (fixed,) if fixed is not None else self._known.get(target.host, NobodyYet)

    async def _ask(self, name: str) -> None:
        begun = self._clock()
        try:
            found = await self._resolver.addresses(name)
        except NobodyKnows as error:
            self._note(name, begun, "failed", f"cannot be looked up: {error}")
            return
        if found:
            self._known[name] = found
            self._seen_at[name] = self._clock()
            self._note(name, begun, "found", "")
            return
        if self._clock() - self._seen_at.get(name, begun) >= self._forget_seconds:
            self._known.pop(name, None)
        self._note(name, begun, "none", "has no address")

    def _note(self, name: str, begun: float, outcome: str, trouble: str) -> None:
        self._metrics.lookups.labels(outcome).observe(self._clock() - begun)
        if trouble != self._troubles.get(name, ""):  # once, not every second
            log.log(logging.WARNING if trouble else logging.INFO, "%s %s", name, trouble or "is found")
        self._troubles[name] = trouble
