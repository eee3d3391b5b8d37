"""Who did something and when is the server's to say: nothing in a request changes it."""

import time
from typing import Any

from support.attackers import QUEUE, V2, Attacker
from support.hostile_horde import OTHER_APPROVER, OTHER_REQUESTOR
from support.service_nodes import ServiceNode
from support.some_horde import APPROVER, REQUESTOR

FORGED_TEXT = "999"
FORGED_TIME = 12345
FORGED = {
    "requested_by": FORGED_TEXT,
    "requested_username": "somebody#999",
    "requested_at": FORGED_TIME,
    "approved_by": FORGED_TEXT,
    "applied_by": FORGED_TEXT,
    "status": "approved",
    "batch_id": 1,
    "change_id": 1,
    "hidden": True,
    "request_metadata": {"route": "forged"},
    "actor": FORGED_TEXT,
    "user_id": FORGED_TEXT,
    "username": "somebody#999",
    "apikey": APPROVER,
    "metadata": {
        "created_by": FORGED_TEXT,
        "updated_by": FORGED_TEXT,
        "created_at": FORGED_TIME,
        "updated_at": FORGED_TIME,
    },
}


async def test_a_proposer_cannot_say_who_or_when_or_how_far(attacker: Attacker) -> None:
    change = await attacker.propose("clip", {"name": attacker.name(), **FORGED}, key=REQUESTOR)
    assert (change["requested_by"], change["requested_username"]) == ("101", "requestor#101")
    assert change["status"] == "pending"
    assert abs(change["requested_at"] - time.time()) < 60
    assert change["request_metadata"] == {"route": "create_v2_clip"}
    assert {"approved_by", "applied_by", "batch_id"}.isdisjoint(change)
    assert change["payload"].get("metadata", {}).keys() <= {"schema_version"}


async def test_a_record_bears_the_stamps_of_those_who_made_it(attacker: Attacker) -> None:
    name = attacker.name()
    before = int(time.time())
    created = await attacker.propose("clip", {"name": name, **FORGED}, key=REQUESTOR)
    first = await live_after_apply(attacker, created["change_id"], name)
    assert first["metadata"]["created_by"] == "101"
    assert before <= first["metadata"]["created_at"] <= time.time() + 1
    answer = await attacker.say(
        "PUT", f"{V2}/clip/model/{quoted(name)}", {"name": name, **FORGED}, key=OTHER_REQUESTOR
    )
    second = await live_after_apply(attacker, answer.json["change_id"], name)
    stamps = second["metadata"]
    assert (stamps["created_by"], stamps["updated_by"]) == ("101", "102")
    assert stamps["created_at"] == first["metadata"]["created_at"]
    assert before <= stamps["updated_at"] <= time.time() + 1


async def test_deciding_and_applying_is_done_in_the_name_of_the_key(
    node: ServiceNode, attacker: Attacker
) -> None:
    change = await attacker.propose("clip", {"name": attacker.name()}, key=REQUESTOR)
    one = f"{QUEUE}/changes/{change['change_id']}"
    decision = {"batch_title": "t", "approved_ids": [change["change_id"]], **FORGED}
    decided = await attacker.say("POST", f"{QUEUE}/batches", decision, key=OTHER_APPROVER)
    assert decided.json["approved"][0]["approved_by"] == "203"
    applied = await attacker.say("POST", f"{one}/apply", FORGED)
    assert applied.json["record"]["applied_by"] == "202"
    commented = await attacker.say("POST", f"{one}/comments", {"text": "hm", "by": FORGED_TEXT, **FORGED})
    assert commented.json["comments"][0]["by"] == "202"
    assert {entry["actor"] for entry in node.entries()[-3:]} == {"202", "203"}
    events = await attacker.say("GET", f"{QUEUE}/audit/events?limit=500&model_name={change['change_id']}")
    users = {event["payload"]["after"]["action"]: event["logical_user_id"] for event in events.json["events"]}
    assert users["enqueue"] == "101"
    assert users["approve"] == "203"
    assert users["apply"] == "202"
    assert b'"999"' not in events.body


async def test_my_changes_cannot_be_widened(attacker: Attacker) -> None:
    await attacker.propose("clip", {"name": attacker.name()}, key=REQUESTOR)
    page = await attacker.say(
        "GET", f"{QUEUE}/my_changes?requested_by=101&user_id=101&limit=500", key=OTHER_REQUESTOR
    )
    assert {item["requested_by"] for item in page.json["items"]} <= {"102"}


async def test_a_key_of_another_user_does_not_replay_their_answer(
    node: ServiceNode, attacker: Attacker
) -> None:
    key = {"Idempotency-Key": attacker.name("key").replace(" ", "-")}
    body = {"name": attacker.name()}
    first = await attacker.say("POST", f"{V2}/lora", body, key=REQUESTOR, headers=key)
    before = node.sequence()
    again = await attacker.say("POST", f"{V2}/lora", body, key=REQUESTOR, headers=key)
    assert (again.body, again.headers.get("Idempotency-Replayed")) == (first.body, "true")
    assert node.sequence() == before
    other = await attacker.say("POST", f"{V2}/lora", body, key=OTHER_REQUESTOR, headers=key)
    assert (other.status, other.headers.get("Idempotency-Replayed")) == (409, None)
    stranger = await attacker.say("POST", f"{V2}/lora", body, key="key-reader", headers=key)
    assert (stranger.status, stranger.headers.get("Idempotency-Replayed")) == (403, None)
    changed = await attacker.say("POST", f"{V2}/lora", {"name": "x"}, key=REQUESTOR, headers=key)
    assert changed.status == 422
    elsewhere = await attacker.say("POST", f"{V2}/ti", body, key=REQUESTOR, headers=key)
    assert elsewhere.status == 422


async def live_after_apply(attacker: Attacker, change_id: int, name: str) -> dict[str, Any]:
    body = {"batch_title": "t", "approved_ids": [change_id]}
    assert (await attacker.say("POST", f"{QUEUE}/batches", body)).status == 200
    applied = await attacker.say("POST", f"{QUEUE}/changes/{change_id}/apply", {})
    assert applied.status == 200, applied.body
    revision = applied.headers["X-Revision"]
    live = await attacker.say("GET", f"{V2}/clip", headers={"X-Min-Revision": revision})
    record: dict[str, Any] = live.json[name]
    return record


def quoted(name: str) -> str:
    return name.replace(" ", "%20")
