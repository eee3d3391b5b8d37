"""What the answers should have said, taken from the journal: nothing is believed that no hash vouches for."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from yarl import URL

from load.evidence import Evidence
from load.targets import SEARCH_LIMIT, V2, Target, meets

TRIES: Final = 10
PAUSE_SECONDS: Final = 0.5
MOST_PROBLEMS: Final = 50
FORMS: Final = {"v1": "legacy", "v2": "v2"}


class NoTruth(RuntimeError):
    """What the answers are compared with cannot be had."""


@dataclass(slots=True)
class Comparison:
    """How many different answers were compared, for how many that were given; and what was wrong."""

    different: int = 0
    answers: int = 0
    problems: list[str] = field(default_factory=list)


Fetch = Callable[[str], Awaitable[bytes]]
"""Returns the body that is at an address. Raises `NoTruth`."""


class Truth:
    """Asks the service for the entries of the journal, and for documents as they were."""

    def __init__(self, fetch: Fetch) -> None:
        self._get = fetch
        self._hashes: dict[int, Mapping[str, Mapping[str, str]]] = {}

    async def compare(self, evidence: Evidence, targets: Mapping[str, Target]) -> Comparison:
        """Compare everything that was seen. Raises `NoTruth`."""
        outcome = Comparison()
        grouped: dict[tuple[str, str], list[tuple[Target, int, str]]] = {}
        for (path, revision), counts in evidence.seen.items():
            target = targets[path]
            hashes = (await self.hashes(revision)).get(target.category, {})
            outcome.different += 1
            outcome.answers += counts.total()
            for digest in counts:
                if target.what in FORMS:
                    self._document(outcome, target, revision, digest, hashes)
                else:
                    key = (target.category, hashes.get("v2", ""))
                    grouped.setdefault(key, []).append((target, revision, digest))
        for (category, digest), seen in sorted(grouped.items()):
            records = await self._records(category, seen[0][1], digest)
            for target, revision, shown in seen:
                self._part(outcome, target, revision, evidence.bodies.get(shown), records)
        del outcome.problems[MOST_PROBLEMS:]
        return outcome

    async def hashes(self, revision: int) -> Mapping[str, Mapping[str, str]]:
        """Return the hashes of all documents of a revision, from the entry that made it."""
        if revision not in self._hashes:
            body = await self._get(f"{V2}/revisions/{revision}/entry")
            self._hashes[revision] = json.loads(body)["catalogue"]["categories"]
        return self._hashes[revision]

    async def _records(self, category: str, revision: int, digest: str) -> Mapping[str, Mapping[str, Any]]:
        body = await self._get(f"{V2}/{category}?revision={revision}")
        if hashlib.sha256(body).hexdigest() != digest:
            raise NoTruth(f"{category} as of revision {revision} is not what the journal says")
        records: dict[str, dict[str, Any]] = json.loads(body)
        return records

    @staticmethod
    def _document(
        outcome: Comparison, target: Target, revision: int, digest: str, hashes: Mapping[str, str]
    ) -> None:
        if digest != (wanted := hashes.get(FORMS[target.what])):
            outcome.problems.append(f"{target.path}: revision {revision} is {wanted}, {digest} was served")

    @staticmethod
    def _part(
        outcome: Comparison,
        target: Target,
        revision: int,
        body: bytes | None,
        records: Mapping[str, Mapping[str, Any]],
    ) -> None:
        if body is None:
            outcome.problems.append(f"{target.path}: an answer too large for a record")
            return
        shown, wanted = json.loads(body), expected(target, records)
        if comparable(target, shown) != wanted:
            outcome.problems.append(f"{target.path} at revision {revision}: {str(shown)[:200]}")

    async def documents(self, categories: Iterable[str]) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the records of categories as they are now."""
        return {category: json.loads(await self._get(f"{V2}/{category}")) for category in categories}

    async def head(self) -> int:
        """Return the newest revision, as one instance says it."""
        return int(json.loads(await self._get(f"{V2}/revisions?limit=1"))["revisions"][0]["revision"])


def fetching(session: aiohttp.ClientSession, root_url: str) -> Fetch:
    """Return what asks a server, again while it does not answer."""

    async def fetch(path: str) -> bytes:
        last: object = None
        for _ in range(TRIES):
            try:
                async with session.get(URL(root_url + path, encoded=True)) as answer:
                    if answer.status == 200:
                        return await answer.read()
                    last = answer.status
            except (aiohttp.ClientError, TimeoutError) as error:
                last = error
            await asyncio.sleep(PAUSE_SECONDS)
        raise NoTruth(f"{path}: {last}")

    return fetch


def expected(target: Target, records: Mapping[str, Mapping[str, Any]]) -> object:
    """Return what a record's or a search's answer has to be, as `comparable` makes it."""
    if target.what == "record":
        return records.get(target.name)
    found = [name for name, record in records.items() if meets(record, name, target.condition)]
    return {"names": found[:SEARCH_LIMIT], "total": len(found)}


def comparable(target: Target, shown: Any) -> object:
    """Return of an answer what can be compared: of a search the names shown, and how many it found."""
    if target.what == "record":
        return shown
    return {"names": [record["name"] for record in shown["results"]], "total": shown["total"]}
