"""Readers at a constant rate: `python -m load.readers`, with a `ReadPlan` as JSON on standard input.

Requests are due by the clock, whatever became of those before them. What was measured and seen goes to the
file that the plan names.
"""

import asyncio
import dataclasses
import gc
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import uvloop

from load.evidence import Evidence, Unpacker
from load.mix import Ask, Mix
from load.samples import Sample, as_lists
from load.targets import Target
from load.wire import Answer, Connections, request_head

ANSWER_SECONDS: Final = 20.0  # above every time limit of the gateway
UNCHANGED: Final = 304


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """`start` is a time of the monotonic clock, which all processes of a machine share."""

    host: str
    port: int
    rate: float
    start: float
    seconds: float
    readers: int
    seed: int
    targets: list[Target]
    output: str

    def render(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def parse(cls, text: str) -> Self:
        given = json.loads(text)
        return cls(**{**given, "targets": [Target(**one) for one in given["targets"]]})


class OpenLoop:
    """Sends what the mix says, and judges every answer."""

    def __init__(self, plan: ReadPlan) -> None:
        self._plan = plan
        self._mix = Mix(plan.targets, readers=plan.readers, seed=plan.seed)
        self._connections = Connections(plan.host, plan.port)
        self._unpacker = Unpacker()
        self._newest = 0
        self.evidence = Evidence()
        self.samples: list[Sample] = []
        self.lateness: list[float] = []
        self.backwards = 0
        self.stale = 0

    async def run(self) -> None:
        """Send everything, and wait for the last answer."""
        plan, sent = self._plan, set[asyncio.Task[None]]()
        for n in range(int(plan.rate * plan.seconds)):
            due = plan.start + n / plan.rate
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            self.lateness.append((time.monotonic() - due) * 1000)
            task = asyncio.create_task(self._one(self._mix.next(), due))
            sent.add(task)
            task.add_done_callback(sent.discard)
        if sent:
            await asyncio.wait(sent, timeout=ANSWER_SECONDS + 1)
        self._connections.close()

    async def _one(self, ask: Ask, due: float) -> None:
        headers = self._headers(ask)
        request = request_head(self._plan.host, ask.target.path, headers)
        revision = 0
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._connections.ask(request)
            answered = time.monotonic()
            outcome = str(answer.status)
            if answer.status in {200, UNCHANGED}:
                revision = self._judge(ask, headers, answer)
        except (OSError, TimeoutError, EOFError, ValueError) as error:
            answered, outcome = time.monotonic(), type(error).__name__
        self.samples.append(
            Sample(due - self._plan.start, ask.kind, (answered - due) * 1000, outcome, revision)
        )

    def _headers(self, ask: Ask) -> dict[str, str]:
        headers = {"Accept-Encoding": ask.reader.coding} if ask.reader.coding else {}
        if ask.kind == "conditional document" and ask.target.path in ask.reader.etags:
            headers["If-None-Match"] = ask.reader.etags[ask.target.path][0]
        if ask.kind == "at least a revision":
            headers["X-Min-Revision"] = str(self._newest)
        return headers

    def _judge(self, ask: Ask, headers: dict[str, str], answer: Answer) -> int:
        """Note what a good answer says; return its revision. Raises `ValueError` for a broken body."""
        path, said = ask.target.path, answer.headers
        revision = int(said.get("x-revision", "0"))
        if not revision:
            self.evidence.problem(f"{path}: an answer without X-Revision")
        if revision < int(headers.get("X-Min-Revision", "0")):
            self.evidence.problem(f"{path}: {headers['X-Min-Revision']} was demanded, {revision} came")
        self._follow(ask, revision, is_stale=said.get("x-stale") == "true")
        if answer.status == UNCHANGED:
            self._unchanged(ask, headers, revision)
            return revision
        digest = self._unpacker.digest(answer.body, said.get("content-encoding", ""), self.evidence)
        if ask.target.what != "statistics":
            self.evidence.note(path, revision, digest)
        if "etag" in said and ask.target.what in {"v1", "v2"}:
            ask.reader.etags[path] = (said["etag"], digest)
        return revision

    def _unchanged(self, ask: Ask, headers: dict[str, str], revision: int) -> None:
        """A 304 says that what the reader has is the document of this revision."""
        path = ask.target.path
        if "If-None-Match" not in headers:
            self.evidence.problem(f"{path}: 304 although nothing was asked for")
            return
        # another answer may have come meanwhile; the one that was asked about has its own validator
        etag, digest = ask.reader.etags[path]
        if etag == headers["If-None-Match"]:
            self.evidence.note(path, revision, digest)

    def _follow(self, ask: Ask, revision: int, *, is_stale: bool) -> None:
        self.stale += is_stale
        self.backwards += revision < ask.reader.newest
        ask.reader.newest = max(ask.reader.newest, revision)
        self._newest = max(self._newest, revision)

    def result(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        return {
            "samples": as_lists(self.samples),
            "lateness": [round(late, 3) for late in self.lateness],
            "evidence": self.evidence.render(),
            "backwards": self.backwards,
            "stale": self.stale,
            "connections": self._connections.opened,
            "replaced": self._connections.replaced,
        }


def main() -> int:
    plan = ReadPlan.parse(sys.stdin.read())
    loop = OpenLoop(plan)
    gc.disable()  # its pauses would be taken for the server's
    uvloop.run(loop.run())
    Path(plan.output).write_text(json.dumps(loop.result()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
