"""What a client that is up to date moves over the wire although nothing has changed."""

import asyncio
import statistics
from collections.abc import Mapping
from pathlib import Path

from bench.client_figures import today
from bench.client_programs import Users
from bench.client_relay import Passed, counting
from bench.figures import Figure
from bench.http_client import fetch
from bench.service import V2
from support.old_primaries import CATEGORIES, OldPrimary, old_primary

TTL_SECONDS = 1.0
REFRESHES = 7
FEED_SECONDS = 46.0  # a server of ours says something every 15 s
SMALL_BYTES = 1024.0
BEFORE = "540,000"
POLLING = {"CHANGE_FEED_ENABLED": "false", "CACHE_TTL_SECONDS": f"{TTL_SECONDS:g}"}


def measure(port: int, folder: Path, *, quick: bool) -> list[Figure]:
    """Return the bytes of a refresh, from a server of our kind and from one of the old kind."""
    return asyncio.run(_measure(port, folder, FEED_SECONDS / 3 if quick else FEED_SECONDS))


async def _measure(port: int, folder: Path, feed_seconds: float) -> list[Figure]:
    name = "refresh without change, bytes over the wire"
    ours = await _refreshes(port, folder)
    one = await _refreshes(port, folder, "image_generation")
    live = await _listening(port, folder, feed_seconds)
    documents = await asyncio.to_thread(_documents, port)
    async with old_primary() as old:
        _fill(old, documents)
        plain = await _refreshes(old.port, folder)
        old.with_etags = True
        validated = await _refreshes(old.port, folder)
    return [
        _figure(f"{name}: everything", ours, SMALL_BYTES),
        _figure(f"{name}: one category", one, SMALL_BYTES),
        Figure(
            "bytes a minute with the live feed, nothing changing",
            live.total / feed_seconds * 60,
            "B",
            SMALL_BYTES,
            note=f"{live.received} received in {feed_seconds:g} s",
        ),
        _figure(f"{name}: everything, old kind of server with ETags", validated, None),
        _figure(f"{name}: everything, old kind of server without", plain, None),
    ]


async def _refreshes(port: int, folder: Path, *categories: str) -> list[Passed]:
    """Return what each refresh moves, of these categories or of all."""
    taken = []
    async with (
        counting(port) as relay,
        Users(relay.url, folder, POLLING).running("refresh") as program,
    ):
        await program.hear()
        for _ in range(REFRESHES):
            await asyncio.sleep(1.5 * TTL_SECONDS)
            before = relay.passed()
            await program.say(" ".join(categories))
            await program.hear()
            taken.append(relay.passed().since(before))
    return taken


async def _listening(port: int, folder: Path, seconds: float) -> Passed:
    """Return what a client moves that follows the live feed and reads nothing."""
    async with counting(port) as relay, Users(relay.url, folder, {}).running("refresh") as program:
        await program.hear()
        await asyncio.sleep(3.0)  # it listens from now on
        before = relay.passed()
        await asyncio.sleep(seconds)
        return relay.passed().since(before)


def _documents(port: int) -> dict[str, bytes]:
    answers = {name: fetch(port, f"{V2}/{name}") for name in CATEGORIES}
    return {name: answer.body for name, answer in answers.items() if answer.status == 200}


def _fill(old: OldPrimary, documents: Mapping[str, bytes]) -> None:
    old.v2.update(documents)


def _figure(name: str, taken: list[Passed], target: float | None) -> Figure:
    totals = [one.total for one in taken]
    typical = sorted(taken, key=lambda one: one.total)[len(taken) // 2]
    note = (
        f"median of {len(taken)}, {min(totals)} to {max(totals)}; {typical.sent} sent, "
        f"{typical.received} received"
    )
    return Figure(name, statistics.median(totals), "B", target, note=today(BEFORE, note))
