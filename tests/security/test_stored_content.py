"""What strangers write into records comes back as data, never as something that a browser runs."""

import pytest

from fuzz.hostile_values import HOSTILE_TEXTS
from support.attackers import QUEUE, V1, V2, Attacker
from support.some_horde import READER, REQUESTOR

MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
FIELDS = {
    "description": MARKUP,
    "version": "\u202egnp.exe",
    "finetune_series": {"name": MARKUP, "homepage": "javascript:alert(1)"},
    "config": {"download": [{"file_name": "../../etc/passwd", "file_url": "javascript:alert(1)"}]},
}


async def test_markup_comes_back_as_json_on_every_way(attacker: Attacker) -> None:
    name = f"{MARKUP} {attacker.name()}"
    change = await attacker.propose("lora", {"name": name, **FIELDS}, key=REQUESTOR)
    change_id = change["change_id"]
    await attacker.say("POST", f"{QUEUE}/changes/{change_id}/comments", {"text": MARKUP})
    decision = {"batch_title": MARKUP, "approved_ids": [change_id]}
    batch = (await attacker.say("POST", f"{QUEUE}/batches", decision)).json["batch_id"]
    applied = await attacker.say("POST", f"{QUEUE}/changes/{change_id}/apply", {"job_id": MARKUP})
    assert applied.status == 200, applied.body
    revision = applied.headers["X-Revision"]
    shown = 0
    for path in (
        f"{QUEUE}/changes/{change_id}",
        f"{QUEUE}/changes/{change_id}/diff",
        f"{QUEUE}/changes?limit=500",
        f"{QUEUE}/audit/current",
        f"{QUEUE}/audit/batches/{batch}",
        f"{QUEUE}/audit/batches/{batch}/net_changes",
        f"{QUEUE}/audit/events?limit=500",
        f"{V2}/lora",
        f"{V2}/revisions/{revision}",
        f"{V2}/changes?since=1",
        f"{V2}/bundle",
        f"{V2}/lora/search?q=script",
        f"{V2}/nowhere{MARKUP.replace(' ', '%20').replace('<', '%3C')}",
    ):
        answer = await attacker.say("GET", path, key=READER, headers={"Accept": "text/html"})
        assert answer.headers["Content-Type"].partition(";")[0] == "application/json", path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        shown += b"<script>" in answer.body
    assert shown > 5


@pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=lambda text: ascii(text)[:30])
async def test_a_name_that_is_accepted_can_be_found_and_removed_again(attacker: Attacker, text: str) -> None:
    name = f"{text}{attacker.name() if text.strip() else ''}"
    answer = await attacker.say("POST", f"{V2}/ti", {"name": name, **FIELDS}, key=REQUESTOR)
    if answer.status == 422:
        return
    assert answer.status == 202, answer.body
    change = answer.json
    assert change["model_name"] == change["payload"]["name"] == name
    decision = {"batch_title": "t", "approved_ids": [change["change_id"]]}
    assert (await attacker.say("POST", f"{QUEUE}/batches", decision)).status == 200
    applied = await attacker.say("POST", f"{QUEUE}/changes/{change['change_id']}/apply", {})
    assert applied.status == 200, applied.body
    at = {"X-Min-Revision": applied.headers["X-Revision"]}
    path = f"{V2}/ti/model/{quoted(name)}"
    assert (await attacker.say("GET", path, key="", headers=at)).json["name"] == name
    assert name in (await attacker.say("GET", f"{V2}/ti", key="", headers=at)).json
    assert (await attacker.say("DELETE", path)).status == 202


async def test_v1_never_serves_more_than_json(attacker: Attacker) -> None:
    for path in (f"{V1}/clip.json", f"{V1}/clip", f"{V1}/stable_diffusion", f"{V1}/nowhere.html"):
        answer = await attacker.say("GET", path, key="", headers={"Accept": "text/html"})
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Type"].startswith("application/json")


def quoted(name: str) -> str:
    return "".join(f"%{byte:02X}" for byte in name.encode())
