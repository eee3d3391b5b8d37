"""The clients of the library that a run has: every way of using it, and every way of configuring it."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from chaos.client_plan import ClientPlan, Sides
from support.sources import SAMPLE

PAIRS: dict[str, Sides] = {
    "together": (("clip", "pair-together.a"), ("clip", "pair-together.b")),
    "across": (("clip", "pair-across.a"), ("blip", "pair-across.b")),
}
CLOSED = "http://127.0.0.1:1"  # nothing listens there: refused at once
NO_GITHUB = {"ENABLE_GITHUB_FALLBACK": "false"}
DEAD_GITHUB = {
    "IMAGE_GITHUB_REPO__PROXY_SETTINGS__GITHUB_PROXY_URL_BASE": CLOSED,
    "TEXT_GITHUB_REPO__PROXY_SETTINGS__GITHUB_PROXY_URL_BASE": CLOSED,
}
POLLING = {"CHANGE_FEED_ENABLED": "false", "CACHE_TTL_SECONDS": "2"}
IMPATIENT = {"PRIMARY_API_TIMEOUT": "2"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of using the library. `disk`: clients of one disk share the copies; empty: one of its own."""

    name: str
    share: int
    make: Callable[[str], ClientPlan]
    settings: dict[str, str] = field(default_factory=dict)
    disk: str = ""


def kinds(github_url: str) -> list[Kind]:
    """Return every kind; GitHub, where it can be reached at all, has only what was there in the beginning."""
    old_github = dict.fromkeys(DEAD_GITHUB, github_url)

    def plan(name: str, **more: object) -> ClientPlan:
        return ClientPlan(name, PAIRS, **more)  # type: ignore[arg-type] # fields of a plan

    return [
        Kind("threads", 6, lambda name: plan(name, threads=3), NO_GITHUB, "a"),
        Kind("tasks", 6, lambda name: plan(name, tasks=3), DEAD_GITHUB, "b"),
        Kind(
            "both", 6, lambda name: plan(name, threads=2, tasks=2, strategy="sync"), DEAD_GITHUB | IMPATIENT
        ),
        Kind("forking", 5, lambda name: plan(name, threads=2, forks=True), NO_GITHUB, "c"),
        Kind("offline", 5, lambda name: plan(name, threads=2, offline=True), {"OFFLINE": "true"}, "a"),
        Kind("old GitHub", 6, lambda name: plan(name, threads=2, tasks=1), old_github),
        Kind("polling", 6, lambda name: plan(name, threads=2), NO_GITHUB | POLLING, "d"),
        Kind("old GitHub, polling", 4, lambda name: plan(name, tasks=2), old_github | POLLING | IMPATIENT),
        Kind("legacy", 2, lambda name: plan(name, threads=2, reads_legacy=True), DEAD_GITHUB),
        Kind("rude", 4, lambda name: plan(name, threads=3, tasks=2, leaves_at_once=True), NO_GITHUB, "b"),
    ]


def scripts() -> Iterator[tuple[ClientPlan, dict[str, str], str]]:
    """Yield programs that read once and go, without end: what they do, their settings, their disk."""
    strategies = itertools.cycle(["lazy", "sync", "async", "deferred", "none"])
    for number, strategy in zip(itertools.count(1), strategies, strict=False):
        name = f"script {number} ({strategy})"
        plan = ClientPlan(name, PAIRS, strategy=strategy, once=True, tasks=number % 2)
        yield plan, NO_GITHUB if number % 3 else DEAD_GITHUB, ("a", f"script-{number}")[number % 2]


@contextlib.asynccontextmanager
async def old_github() -> AsyncIterator[str]:
    """Yield the address of a proxy to a GitHub on which nobody has edited anything."""
    files = {path.name: path.read_bytes() for path in SAMPLE.rglob("*.*")}

    async def answer(request: web.Request) -> web.Response:
        body = files.get(request.path.rpartition("/")[2])
        return web.Response(status=404) if body is None else web.Response(body=body)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    async with TestServer(application) as server:
        yield str(server.make_url("")).rstrip("/")
