"""Many programs that use the library, each a process of its own."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.client_plan import ClientPlan
from support.processes import clean_environment
from support.reference_data import REPOSITORY

END_SECONDS = 60.0
ENDING_AT_ONCE = 4
LINE_BYTES = 1 << 20
TOLD = ("reads", "early_failures", "cold_torn", "children", "problems")
WARM_SECONDS = 120.0
PREFIX = "HORDE_MODEL_REFERENCE_"
Settings = Mapping[str, str]


@dataclass(slots=True)
class Member:
    """One process, and what it has said so far."""

    plan: ClientPlan
    process: asyncio.subprocess.Process
    counters: dict[str, int] = field(default_factory=dict)
    seen_at: dict[tuple[str, int], float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[str, dict[str, int]] = field(default_factory=dict)
    warm: asyncio.Event = field(default_factory=asyncio.Event)
    left_at: float = 0.0
    leaving_seconds: float = 0.0
    was_killed: bool = False
    followed: "asyncio.Task[None] | None" = None

    def has_seen(self, expected: Mapping[str, int]) -> bool:
        """Say whether it has seen the newest counter of every pair."""
        wanted = {
            (side[1] if pair in self.plan.loose else pair): number
            for pair, number in expected.items()
            for side in self.plan.pairs[pair]
        }
        return all(self.counters.get(known, -1) >= number for known, number in wanted.items())


class ClientFleet:
    """Starts clients, listens to them, and ends them. `members` are all that ever ran."""

    def __init__(self, base_url: str, folder: Path) -> None:
        self._base_url = base_url
        self._folder = folder
        self.members: list[Member] = []

    @property
    def running(self) -> list[Member]:
        return [member for member in self.members if member.process.returncode is None]

    async def start(self, plan: ClientPlan, settings: Settings, *, cache: str) -> Member:
        """Start a client; those with the same `cache` share the copies on the disk."""
        named = {f"{PREFIX}{name}": value for name, value in settings.items()}
        environment = clean_environment(
            {
                f"{PREFIX}PRIMARY_API_URL": self._base_url,
                "AIWORKER_CACHE_HOME": str(self._folder / cache),
                "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "tests"), os.environ.get("PYTHONPATH", "")]),
                **named,
            }
        )
        guard = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        process = await asyncio.create_subprocess_exec(
            *guard,
            sys.executable,
            "-m",
            "chaos.reference_client",
            plan.render(),
            f"{len(self.members)} {plan.name}",
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_BYTES,
            start_new_session=True,
        )
        member = Member(plan, process)
        member.followed = asyncio.create_task(self._follow(member))
        self.members.append(member)
        return member

    async def wait_warm(self) -> list[str]:
        """Wait until every client has everything; return those that have not in the end."""
        waits = [asyncio.create_task(member.warm.wait()) for member in self.running]
        if waits:
            await asyncio.wait(waits, timeout=WARM_SECONDS)
        for wait in waits:
            wait.cancel()
        return [f"{member.plan.name} did not start" for member in self.running if not member.warm.is_set()]

    async def converge(self, expected: Mapping[str, int], patience_seconds: float) -> tuple[list[str], float]:
        """Wait until all have seen these counters; return who has not, and how long it took."""
        begun = time.monotonic()
        behind = [member for member in self.running if not member.plan.once]
        while (waited := time.monotonic() - begun) < patience_seconds:
            behind = [member for member in behind if not member.has_seen(expected)]
            if not behind:
                return [], waited
            await asyncio.sleep(0.05)
        return [f"{one.plan.name} has {one.counters}, not {dict(expected)}" for one in behind], waited

    async def kill(self, member: Member) -> None:
        """End a client and its children at once, as the kernel does when memory is short."""
        member.was_killed = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(member.process.pid, signal.SIGKILL)
        if member.followed is not None:
            await member.followed

    async def stop(self, members: Iterable[Member]) -> None:
        """Tell clients to end, a few at a time, and wait for it."""
        places = asyncio.Semaphore(ENDING_AT_ONCE)

        async def stop_one(member: Member) -> None:
            async with places:
                if member.process.stdin is not None:
                    member.process.stdin.close()
                await self._ended(member)

        await asyncio.gather(*(stop_one(member) for member in members))

    async def end(self) -> None:
        """End everything that still runs."""
        for member in self.running:
            await self.kill(member)

    async def _ended(self, member: Member) -> None:
        assert member.followed is not None
        done, _ = await asyncio.wait({member.followed}, timeout=END_SECONDS)
        if not done:
            member.problems.append(f"{member.plan.name} does not end")
            await self.kill(member)

    async def _follow(self, member: Member) -> None:
        stdout, stderr = member.process.stdout, member.process.stderr
        assert stdout is not None
        assert stderr is not None
        errors = asyncio.create_task(stderr.read())
        while line := await stdout.readline():
            _note(member, json.loads(line))
        status = await member.process.wait()
        said = (await errors).decode(errors="replace").strip()
        if member.left_at:
            member.leaving_seconds = time.time() - member.left_at
        if not member.was_killed and (status or said):
            member.problems.append(f"{member.plan.name} ended with {status} and said {said[-2000:]!r}")


def _note(member: Member, message: dict[str, Any]) -> None:
    match message.pop("kind"):
        case "seen":
            for known, number in message["counters"].items():
                member.counters[known] = max(number, member.counters.get(known, -1))
                member.seen_at.setdefault((known, number), time.monotonic())
        case "problem":
            member.problems.append(message["text"])
        case "report":
            member.reports.append(message)
        case "usage":
            member.usage[message.pop("when")] = message
        case "warm":
            member.warm.set()
        case "leaving":
            member.left_at = message["at"]
        case other:
            member.problems.append(f"{member.plan.name} said {other}")


def sums(members: Iterable[Member]) -> dict[str, int]:
    """Add up what the clients did."""
    total: Counter[str] = Counter()
    for member in members:
        for report in member.reports:
            total.update({name: report[name] for name in TOLD})
    return dict(total)
