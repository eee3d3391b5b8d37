"""The entries that everybody can read say nothing that people wrote about changes."""

from support.attackers import QUEUE, V2, Attacker
from support.some_horde import REQUESTOR

SECRET = "only for those with a key"


async def test_the_entry_of_a_revision_tells_nothing_of_what_was_said_about_its_changes(
    attacker: Attacker,
) -> None:
    path = f"{V2}/lora?reason={SECRET.replace(' ', '%20')}"
    name = attacker.name()
    proposed = await attacker.say("POST", path, {"name": name, "description": SECRET}, key=REQUESTOR)
    change_id = proposed.json["change_id"]
    await attacker.say("POST", f"{QUEUE}/changes/{change_id}/comments", {"text": SECRET})
    decision = {"batch_title": SECRET, "approved_ids": [change_id]}
    assert (await attacker.say("POST", f"{QUEUE}/batches", decision)).status == 200
    named = {"Idempotency-Key": SECRET.replace(" ", "-")}
    apply_path = f"{QUEUE}/changes/{change_id}/apply"
    applied = await attacker.say("POST", apply_path, {"job_id": "j"}, headers=named)
    assert SECRET in applied.json["record"]["reason"]

    revision = applied.headers["X-Revision"]
    entry = await attacker.say(
        "GET", f"{V2}/revisions/{revision}/entry", key="", headers={"X-Min-Revision": revision}
    )

    assert entry.json["body"]["changes"][0]["change_id"] == change_id
    assert entry.json["body"]["changes"][0]["touched"]["model_name"] == name
    assert SECRET.encode() not in entry.body
    assert named["Idempotency-Key"].encode() not in entry.body
