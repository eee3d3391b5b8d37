"""Keeps both nginx running, and their configuration what the addresses and the certificate say."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, NoReturn

from gateway.certificates import UNREADABLE, CertificateFiles
from gateway.configuration import Machine, Service, Stage, back_values, front_values, render
from gateway.held_ports import HeldPorts
from gateway.metrics import GatewayMetrics
from gateway.nginx_process import NginxFailed, NginxProcess
from gateway.resolving import Resolver
from gateway.settings import GatewaySettings
from gateway.status_socket import ask, parse_numbers
from gateway.upstreams import Upstreams

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 5.0
GOOD_RUN_SECONDS: Final = 10.0
STARTING_POLL_SECONDS: Final = 0.2
BACK_STOP_SECONDS: Final = 2.0  # the front door is closed then: nobody waits for anything
RETRY_REFUSED_SECONDS: Final = 10.0
RELOAD_PAUSE_SECONDS: Final = 2.0
NUMBERS_SECONDS: Final = 1.0
DRAIN_MARGIN_SECONDS: Final = 1.0  # by then its workers have ended what is left by themselves

log = logging.getLogger(__name__)


class Supervised:
    """One nginx with the configuration that it is to have, and the one that it has."""

    def __init__(self, process: NginxProcess, metrics: GatewayMetrics) -> None:
        self.process = process
        self._stage = process.stage
        self._metrics = metrics
        self._generation = 0
        self._wanted: tuple[Mapping[str, str], str] | None = None
        self._refused_at: float | None = None
        self._changed_at = -RELOAD_PAUSE_SECONDS
        self._using = asyncio.Lock()  # of the process: it is started, or given a configuration

    async def start(self, values: Mapping[str, str], mark: str = "") -> None:
        """Check the configuration and start. Raises `NginxFailed`."""
        self._wanted = (dict(values), mark)
        self._generation += 1
        await self.process.check(render(self._stage, values, self._generation))
        await self.process.start(self._generation)
        self._took()

    async def follow(self, values: Mapping[str, str], mark: str = "") -> None:
        """Give it a configuration if it is another one, now or when this is called again.

        Former workers may live on for a while: a name whose addresses change all the time must not fill the
        memory with them. What was refused is tried again now and then.
        """
        wanted, now = (dict(values), mark), time.monotonic()
        if wanted == self._wanted:
            due = self._refused_at is not None and now - self._refused_at >= RETRY_REFUSED_SECONDS
        else:
            due = now - self._changed_at >= RELOAD_PAUSE_SECONDS
        if due:
            self._wanted, self._changed_at = wanted, now
            async with self._using:
                await self._change(values)

    async def _change(self, values: Mapping[str, str]) -> None:
        try:
            await self.process.check(render(self._stage, values, self._generation + 1))
            self._generation += 1
            if self.process.running:  # else it is started with it
                await self.process.reload(self._generation)
        except (NginxFailed, OSError) as error:
            self._refused_at = time.monotonic()
            self._metrics.last_reload_succeeded.labels(self._stage).set(0)
            self._metrics.reloads.labels(self._stage, "failed").inc()
            log.error("the %s nginx goes on with its former configuration: %s", self._stage, error)  # noqa: TRY400
        else:
            self._metrics.reloads.labels(self._stage, "done").inc()
            self._took()

    def _took(self) -> None:
        self._refused_at = None
        self._metrics.up.labels(self._stage).set(1)
        self._metrics.last_reload_succeeded.labels(self._stage).set(1)
        self._metrics.last_reload_time.labels(self._stage).set_to_current_time()

    async def keep_running(self) -> NoReturn:
        """Start it again whenever it ends by itself, more and more rarely while it ends at once."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            begun = time.monotonic()
            status = await self.process.ended()
            self._metrics.up.labels(self._stage).set(0)
            log.error("the %s nginx ended by itself with status %d", self._stage, status)
            pause = FIRST_PAUSE_SECONDS if time.monotonic() - begun > GOOD_RUN_SECONDS else pause
            while not await self._restarted():
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    @contextlib.asynccontextmanager
    async def ended(self) -> AsyncIterator[None]:
        """End it at once, and let it be started again only after the context."""
        async with self._using:
            await self.process.stop(0)
            yield

    async def _restarted(self) -> bool:
        self._metrics.restarts.labels(self._stage).inc()
        async with self._using:
            try:
                await self.process.start(self._generation)
            except (NginxFailed, OSError) as error:
                log.error("%s", error)  # noqa: TRY400 - its text says it all
                return False
        self._took()
        log.info("the %s nginx runs again", self._stage)
        return True


class Supervisor:
    """Both nginx. `start` first, then `run` until it is cancelled, and `stop` in any case."""

    def __init__(
        self,
        settings: GatewaySettings,
        machine: Machine,
        resolver: Resolver,
        processes: Callable[[Stage], NginxProcess],
        metrics: GatewayMetrics,
        ports: HeldPorts | None = None,
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._machine = machine
        self._metrics = metrics
        self.front = Supervised(processes(Stage.FRONT), metrics)
        self.back = Supervised(processes(Stage.BACK), metrics)
        named = {
            Service.READ_API: settings.read_api,
            Service.WRITE_QUEUE: settings.write_queue,
            Service.STATS: settings.stats,
        }
        self.upstreams = Upstreams(named, resolver, metrics, settings.forget_seconds, time.monotonic)
        self._files = None
        if settings.tls_certificate is not None and settings.tls_key is not None:
            self._files = CertificateFiles(settings.tls_certificate, settings.tls_key)

    async def start(self) -> None:
        """Find the instances, or some, and start. Raises `NginxFailed`."""
        await self._first_addresses()
        await self.back.start(self._back_values())
        await self.front.start(front_values(self._settings, self._machine), await self._fingerprint())

    async def run(self) -> None:
        """Do what there is to do until this is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.front.keep_running())
            tasks.create_task(self.back.keep_running())
            tasks.create_task(self._forever(self._follow_addresses, self._settings.resolve_seconds))
            tasks.create_task(self._forever(self._note_numbers, NUMBERS_SECONDS))
            if self._ports is not None:
                tasks.create_task(self._follow_ports(self._ports))
            if self._files is not None:
                tasks.create_task(self._forever(self._follow_certificate, self._settings.resolve_seconds))

    @property
    def reachable(self) -> bool:
        """Whether the ports are those that clients come to."""
        return self._ports is None or self._ports.held

    async def stop(self) -> None:
        """Take no new requests, let the others finish for the time of the settings, and end."""
        log.info("stopping nginx: requests may finish for %g s", self._settings.drain_seconds)
        try:
            await self.front.process.stop(self._settings.drain_seconds + DRAIN_MARGIN_SECONDS)
        finally:
            await self.back.process.stop(BACK_STOP_SECONDS)

    async def _first_addresses(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.start_seconds):
                while True:
                    await self.upstreams.refresh()
                    if self.upstreams.addresses[Service.READ_API] or not self._settings.read_api:
                        return
                    await asyncio.sleep(STARTING_POLL_SECONDS)
        log.warning("starting although no read-api has an address yet")

    async def _forever(self, work: Callable[[], Awaitable[None]], pause_seconds: float) -> NoReturn:
        while True:
            await asyncio.sleep(pause_seconds)
            await work()

    async def _follow_addresses(self) -> None:
        await self.upstreams.refresh()
        await self.back.follow(self._back_values())

    async def _follow_certificate(self) -> None:
        mark = await self._fingerprint()
        if mark != UNREADABLE:  # in the middle of being replaced, or worse: what runs has read it
            await self.front.follow(front_values(self._settings, self._machine), mark)

    async def _follow_ports(self, ports: HeldPorts) -> NoReturn:
        """Let the front door listen on new sockets when the old ones belong to a network that is gone."""
        while True:
            await ports.lost()
            log.error("nobody holds the ports any more: no client reaches this gateway")
            async with self.front.ended():
                await ports.take()
                log.info("the ports are held again: the front nginx is started anew")

    async def _note_numbers(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            page = await ask(self.front.process.status_socket, "/status")
            self._metrics.numbers.last = parse_numbers(page)

    async def _fingerprint(self) -> str:
        """Return what tells the certificate files from former ones, and note how long they are good."""
        if self._files is None:
            return ""
        with contextlib.suppress(OSError, ValueError):
            self._metrics.certificate_expiry.set(await asyncio.to_thread(self._files.expires_at))
        return await asyncio.to_thread(self._files.fingerprint)

    def _back_values(self) -> dict[str, str]:
        return back_values(self._settings, self._machine, self.upstreams.addresses)
