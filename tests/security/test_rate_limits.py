"""Limits hold against those who lie about where they come from, or guess keys."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from support.attackers import QUEUE, V2, Attacker
from support.hostile_horde import OTHER_REQUESTOR
from support.service_nodes import HordeNode, ServiceNode
from support.some_horde import READER, REQUESTOR

GUESSES, WRITES = 5, 3
SETTINGS = {
    "RATE_LIMITS__FAILED_KEYS_BURST": str(GUESSES),
    "RATE_LIMITS__FAILED_KEYS_PER_MINUTE": "1",
    "RATE_LIMITS__WRITES_BURST": str(WRITES),
    "RATE_LIMITS__WRITES_PER_MINUTE": "1",
}
LIES = [
    {"X-Forwarded-For": "10.0.0.{n}"},
    {"X-Forwarded-For": "10.0.0.{n}, 10.1.0.{n}"},
    {"X-Real-IP": "10.0.0.{n}"},
    {"Forwarded": "for=10.0.0.{n}"},
    {"CF-Connecting-IP": "10.0.0.{n}", "True-Client-IP": "10.0.0.{n}", "X-Client-IP": "10.0.0.{n}"},
    {"User-Agent": "guesser {n}"},
]


@pytest.fixture(scope="module")
def horde(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HordeNode]:
    with HordeNode(tmp_path_factory.mktemp("horde"), "horde") as node:
        yield node


@pytest.fixture
def limited(tmp_path: Path, horde: HordeNode) -> Iterator[ServiceNode]:
    with ServiceNode(tmp_path, horde, SETTINGS) as node:
        yield node


@pytest.fixture
async def client(limited: ServiceNode) -> AsyncIterator[Attacker]:
    async with aiohttp.ClientSession() as session:
        yield Attacker(session, limited.port)


async def test_guessing_keys_ends_whatever_the_guesser_says_of_itself(client: Attacker) -> None:
    assert (await client.say("GET", f"{V2}/me/roles", key=READER)).status == 200
    answers = []
    for number in range(GUESSES + 2 * len(LIES)):
        lie = {name: text.format(n=number) for name, text in LIES[number % len(LIES)].items()}
        answer = await client.say("GET", f"{V2}/me/roles", key=f"guess-{number}", headers=lie)
        answers.append(answer)
    assert [answer.status for answer in answers] == [401] * GUESSES + [429] * (2 * len(LIES))
    assert int(answers[-1].headers["Retry-After"]) > 0
    known = await client.say("GET", f"{V2}/me/roles", key=READER)
    assert known.status == 200  # who was verified before is not kept out by a neighbour's guesses
    assert (await client.say("GET", f"{V2}/clip", key="")).status == 200


async def test_writes_of_one_user_are_limited_and_of_another_are_not(
    client: Attacker, limited: ServiceNode
) -> None:
    before = limited.sequence()
    statuses = []
    for number in range(WRITES + 3):
        lie = {"X-Forwarded-For": f"10.0.0.{number}", "Idempotency-Key": f"k{number}"}
        answer = await client.say("POST", f"{V2}/clip", {"name": client.name()}, key=REQUESTOR, headers=lie)
        statuses.append(answer.status)
    assert statuses == [202] * WRITES + [429] * 3
    assert limited.sequence() == before + WRITES
    assert (await client.say("GET", f"{QUEUE}/my_changes", key=REQUESTOR)).status == 200
    other = await client.say("POST", f"{V2}/clip", {"name": client.name()}, key=OTHER_REQUESTOR)
    assert other.status == 202
