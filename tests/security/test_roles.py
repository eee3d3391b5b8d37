"""Nothing is written by who has not the role, by any endpoint, whatever name or id they come with."""

from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY, CanonicalFormat
from registry.kinds import BODY_TYPES
from service_kit.roles import APPROVER as APPROVER_ROLE
from support.attackers import QUEUE, V2, Attacker
from support.hostile_horde import NOBODYS, OTHER_APPROVER, OTHER_REQUESTOR, STRANGERS
from support.service_nodes import ServiceNode
from support.some_horde import APPROVER, READER, REQUESTOR
from support.write_requests import WriteRequest, write_requests

NodeOf = Callable[[str], ServiceNode]
Target = tuple[ServiceNode, Attacker, list[WriteRequest]]


@pytest.fixture(params=list(CanonicalFormat))
async def target(request: pytest.FixtureRequest, node_of: NodeOf) -> AsyncIterator[Target]:
    canonical_format = CanonicalFormat(request.param)
    node = node_of(canonical_format)
    async with aiohttp.ClientSession() as session:
        attacker = Attacker(session, node.port)
        live: dict[str, str] = {}
        for category in MODEL_REFERENCE_CATEGORY:
            names = list((await attacker.say("GET", f"{V2}/{category}", key="")).json)
            live.update({str(category): names[0]} if names else {})
        yield node, attacker, list(write_requests(canonical_format, live))


async def test_each_of_these_requests_would_do_something_for_an_approver(target: Target) -> None:
    node, attacker, requests = target
    wrote = 0
    for request in requests:
        one = await prepared(attacker, request)
        before = node.sequence()
        answer = await attacker.say(one.method, one.path, one.body, key=OTHER_APPROVER)
        assert answer.status not in {401, 403, 500}, (one, answer.body)
        wrote += node.sequence() > before
    assert wrote > len(requests) / 2
    assert {entry["kind"] for entry in node.entries()} == set(BODY_TYPES)


@pytest.mark.parametrize("why", NOBODYS)
async def test_nobody_writes(target: Target, why: str) -> None:
    node, attacker, requests = target
    before = node.sequence()
    for one in requests:
        answer = await attacker.raw_say(one.method, one.path, one.body, key=NOBODYS[why])
        assert answer.status in {400, 401}, (one, answer.body)  # 400: what is no header line
    assert node.sequence() == before


@pytest.mark.parametrize("key", STRANGERS)
async def test_who_has_no_role_writes_nothing(target: Target, key: str) -> None:
    node, attacker, requests = target
    before = node.sequence()
    for one in requests:
        answer = await attacker.say(one.method, one.path, one.body, key=key)
        assert answer.status == 403, (one, answer.body)
    assert node.sequence() == before


async def test_a_requestor_decides_nothing(target: Target) -> None:
    node, attacker, requests = target
    before = node.sequence()
    decisions = [one for one in requests if one.role == APPROVER_ROLE]
    for one in decisions:
        answer = await attacker.say(one.method, one.path, one.body, key=REQUESTOR)
        assert (answer.status, "approver" in answer.json["detail"]) == (403, True), (one, answer.body)
    assert node.sequence() == before
    assert len(decisions) > 10


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {APPROVER}"},
        {"Authorization": f"Basic {APPROVER}"},
        {"Cookie": f"apikey={APPROVER}"},
        {"X-Api-Key": APPROVER},
        {"api-key": APPROVER},
        {"api_key": APPROVER},
        {"X-Forwarded-User": "approver#202"},
        {"X-User-Id": "202"},
        {"X-HTTP-Method-Override": "GET"},
    ],
)
async def test_no_other_header_says_who_somebody_is(
    node: ServiceNode, attacker: Attacker, headers: dict[str, str]
) -> None:
    before = node.sequence()
    for path in (f"{V2}/clip", f"{V2}/clip?apikey={APPROVER}&key={APPROVER}"):
        answer = await attacker.say("POST", path, {"name": "x", "apikey": APPROVER}, key="", headers=headers)
        assert answer.status == 401
    assert node.sequence() == before


async def test_two_keys_in_one_request_are_not_mixed_up(node: ServiceNode, attacker: Attacker) -> None:
    before = node.sequence()
    for first, second in ((READER, APPROVER), (APPROVER, READER)):
        answer = await attacker.raw_say(
            "POST", f"{V2}/clip", {"name": attacker.name()}, key=first, lines=[f"apikey: {second}"]
        )
        assert answer.status == 401
    assert node.sequence() == before


async def test_a_stranger_stays_one_beside_a_remembered_key(node: ServiceNode, attacker: Attacker) -> None:
    assert (await attacker.say("GET", f"{V2}/me/roles")).json["is_approver"]
    for key in (APPROVER.upper(), f"{APPROVER} ", f" {APPROVER}x", APPROVER[:-1]):
        answer = await attacker.raw_say("GET", f"{V2}/me/roles", None, key=key)
        if key.strip() != APPROVER:
            assert answer.status == 401, key


async def test_nobody_changes_what_another_one_proposed(node: ServiceNode, attacker: Attacker) -> None:
    change = await attacker.propose("clip", {"name": attacker.name()}, key=REQUESTOR)
    one = f"{QUEUE}/changes/{change['change_id']}"
    before = node.sequence()
    for method, path, body in (("PUT", one, {"name": change["model_name"]}), ("POST", f"{one}/withdraw", {})):
        answer = await attacker.say(method, path, body, key=OTHER_REQUESTOR)
        assert answer.status == 403, answer.body
    assert node.sequence() == before


async def prepared(attacker: Attacker, one: WriteRequest) -> WriteRequest:
    """Let there be a change, in the state that the request needs, and aim the request at it."""
    if "pending_queue" not in one.path:
        return one
    change = await attacker.propose("lora", {"name": attacker.name()}, key=OTHER_APPROVER)
    change_id, batch_id = change["change_id"], 1
    if "apply" in one.path or "unapprove" in one.path:
        body = {"batch_title": "t", "approved_ids": [change_id]}
        batch_id = (await attacker.say("POST", f"{QUEUE}/batches", body)).json["batch_id"]
    return one.aimed_at(change_id, batch_id, change["model_name"])
