"""The fake AI-Horde of the shared folder as a process of its own, and the switches it has."""

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from support.reference_data import SHARED
from support.service_nodes import HttpNode
from support.serving import LOOPBACK

EVERYTHING_FAILS = {"status": 500}
REFRESHED = ("/v2/status/models", "/v2/stats/img/models", "/v2/stats/text/models", "/v2/workers")
CALLS_OF_A_REFRESH = 6
"""Status, usage and workers, of images and of text."""


class FakeHordeNode(HttpNode):
    """The fake AI-Horde with the data of its default seed, which `kill` and `start` bring back."""

    ready_when: Mapping[str, int] = {"/_control/state": 200}

    def __init__(self, root: Path, name: str = "fake-horde") -> None:
        super().__init__(root, name)
        self.controls = HordeControls(self.port)

    @property
    def url(self) -> str:
        """What services are given as `AI_HORDE_URL`."""
        return f"http://{LOOPBACK}:{self.port}/api/"

    def command(self) -> Sequence[str]:
        program = str(SHARED / "fakes" / "fake_aihorde.py")
        return [sys.executable, program, "--port", str(self.port), "--data-dir", str(SHARED / "data")]


class HordeControls:
    """The fake AI-Horde's control plane."""

    def __init__(self, port: int) -> None:
        self._url = f"http://{LOOPBACK}:{port}/_control"

    async def break_with(self, *rules: Mapping[str, Any]) -> None:
        """Add faults, as its `FaultRule` names them."""
        await self._send("POST", "/faults", list(rules))

    async def heal(self) -> None:
        """Drop every fault."""
        await self._send("DELETE", "/faults")

    async def reset(self) -> None:
        """Drop every fault and forget every call."""
        await self._send("POST", "/reset")

    async def use(self, kind: str, model: str, **figures: int) -> None:
        """Set day, month or total of a model."""
        await self._send("PATCH", "/stats", {"kind": kind, "model": model, **figures})

    async def calls(self) -> Counter[str]:
        """Return how often each question was asked since the last reset, as path and query."""
        log = (await self._send("GET", "/state"))["log"]
        return Counter(_question(entry) for entry in log)

    async def count(self) -> int:
        """Return how many calls there were since the last reset."""
        count: int = (await self._send("GET", "/state"))["total_requests"]
        return count

    async def until_more_calls(self, count: int, *, timeout_seconds: float = 30) -> None:
        """Wait for so many calls from now on."""
        before = await self.count()
        async with asyncio.timeout(timeout_seconds):
            while await self.count() < before + count:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)

    async def _send(self, method: str, path: str, body: object = None) -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self._url + path, json=body) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return await answer.json()


def _question(entry: Mapping[str, Any]) -> str:
    query = "&".join(f"{name}={value}" for name, value in sorted(entry["query"].items()))
    return f"{entry['path']}?{query}" if query else str(entry["path"])
