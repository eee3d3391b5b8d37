"""Looking at changes, deciding and applying them, over HTTP."""

from pathlib import Path

import pytest

from support.write_clients import APPROVER, OTHER_REQUESTOR, QUEUE, READER, REQUESTOR, Writes, writing


async def test_pages_are_ascending_and_filters_combine(writes: Writes) -> None:
    first = await writes.create("Alpha")
    second = await writes.create("Alpine", "esrgan", OTHER_REQUESTOR)
    third = await writes.create("beta", "esrgan")

    async def ids(query: str, path: str = "changes") -> list[int]:
        page = await writes.get(f"{QUEUE}/{path}?{query}", REQUESTOR)
        return [item["change_id"] for item in page["items"]]

    assert await ids("") == [first, second, third]
    assert await ids("model_name=aLP") == [first, second]
    assert await ids("categories=esrgan&model_name=alp") == [second]
    assert await ids("requested_by=101") == [first, third]
    assert await ids("requested_by=other%20requestor%23102") == [second]
    assert await ids("statuses=applying&statuses=withdrawn") == []
    assert await ids("limit=1&offset=1") == [second]
    assert await ids("requested_by=102", "my_changes") == [first, third]
    page = await writes.get(f"{QUEUE}/changes?limit=1&offset=1")
    assert (page["total"], page["offset"], page["limit"]) == (3, 1, 1)


async def test_my_changes_are_for_requestors(writes: Writes) -> None:
    assert (await writes.ask("GET", f"{QUEUE}/my_changes", READER)).status == 403


async def test_both_prefixes_show_one_queue(writes: Writes) -> None:
    change_id = await writes.create()

    assert await writes.get(f"/v1/pending_queue/changes/{change_id}") == await writes.get(
        f"/v2/pending_queue/changes/{change_id}"
    )
    assert (await writes.ask("GET", f"{QUEUE}/changes/77", READER)).status == 404


async def test_a_diff_shows_what_applying_would_do(writes: Writes) -> None:
    await writes.make_live("known", description="one", version="1")
    answer = await writes.ask(
        "PUT", "/v2/clip/model/known", REQUESTOR, json={"name": "known", "description": "one", "version": "2"}
    )
    change_id = answer.json["change_id"]

    diff = await writes.get(f"{QUEUE}/changes/{change_id}/diff")

    assert diff["net_operation"] == "modified"
    assert diff["field_diffs"] == [
        {"field_path": "version", "old_value": "1", "new_value": "2", "change_type": "modified"}
    ]
    assert diff["proposed_state"]["metadata"] == diff["current_state"]["metadata"]
    assert diff["conflicting_fields"] == []


async def test_a_diff_names_the_fields_that_somebody_else_changed(writes: Writes) -> None:
    await writes.make_live("known", description="one")
    ids = [
        (
            await writes.ask(
                "PUT", "/v2/clip/model/known", REQUESTOR, json={"name": "known", "description": text}
            )
        ).json["change_id"]
        for text in ("two", "three")
    ]
    await writes.approve(*ids)
    await writes.apply(ids[0])

    diff = await writes.get(f"{QUEUE}/changes/{ids[1]}/diff")
    refused = await writes.ask("POST", f"{QUEUE}/changes/{ids[1]}/apply", APPROVER, json={})

    assert diff["conflicting_fields"] == ["description"]
    assert refused.status == 409
    assert "description" in refused.json["detail"]


async def test_diffs_keep_the_order_and_name_what_is_missing(writes: Writes) -> None:
    first, second = await writes.create("a"), await writes.create("b")

    answer = await writes.get(f"{QUEUE}/diffs?change_ids={second}&change_ids=77&change_ids={first}")

    assert [diff["change_id"] for diff in answer["diffs"]] == [second, first]
    assert answer["total"] == 3
    assert [(one["change_id"], one["error_type"]) for one in answer["errors"]] == [(77, "NotFound")]


async def test_the_beta_view_shows_the_latest_of_what_is_open(writes: Writes) -> None:
    await writes.make_live("known", "gfpgan")
    new = await writes.create("new", "gfpgan", description="one")
    await writes.ask("PUT", f"{QUEUE}/changes/{new}", REQUESTOR, json={"name": "new", "description": "two"})
    await writes.ask("DELETE", "/v2/gfpgan/model/known", REQUESTOR)
    rejected = await writes.create("rejected", "gfpgan")
    body = {"batch_title": "no", "rejected_ids": [rejected], "reject_reason": "no"}
    await writes.post(f"{QUEUE}/batches", body)

    shown = await writes.get("/v2/gfpgan/pending")

    assert {name: record["description"] for name, record in shown.items()} == {"new": "two"}
    assert await writes.get("/v2/clip/pending") == {}


async def test_a_decision_answers_with_the_changes_as_they_now_are(writes: Writes) -> None:
    first, second = await writes.create("a"), await writes.create("b")
    body = {
        "batch_title": "  June ",
        "approved_ids": [first, first, 0],
        "rejected_ids": [second],
        "reject_reason": " dup ",
    }

    decision = await writes.post(f"{QUEUE}/batches", body)

    assert decision["batch_title"] == "June"
    assert [change["status"] for change in decision["approved"]] == ["approved"]
    assert [change["reject_reason"] for change in decision["rejected"]] == ["dup"]
    assert decision["approved"][0]["applied_at"] is None


async def test_one_job_sent_twice_is_answered_alike(writes: Writes) -> None:
    change_id = await writes.create()
    await writes.approve(change_id)

    async def apply() -> tuple[int, object, bool]:
        answer = await writes.ask(
            "POST", f"{QUEUE}/changes/{change_id}/apply", APPROVER, json={"job_id": " night "}
        )
        return answer.status, answer.json, "Idempotency-Replayed" in answer.headers

    first, again = await apply(), await apply()

    assert first[:2] == again[:2]
    assert (first[0], first[2], again[2]) == (200, False, True)
    other = await writes.ask("POST", f"{QUEUE}/changes/{change_id}/apply", APPROVER, json={"job_id": "day"})
    assert (other.status, other.json["change"]["status"]) == (409, "applied")


async def test_a_batch_is_applied_whole_or_not_at_all(writes: Writes) -> None:
    first, second = await writes.create("a"), await writes.create("b")
    batch = await writes.approve(first, second)

    answer = await writes.ask("POST", f"{QUEUE}/apply_batch/{batch}?job_id=%20%20", APPROVER)

    assert answer.status == 200
    assert [change["change_id"] for change in answer.json["applied"]] == [first, second]
    assert answer.json["batch_split_occurred"] is False
    assert answer.headers["X-Revision"] == "2"


async def test_a_mixed_batch_has_to_be_allowed(writes: Writes) -> None:
    done = await writes.make_live("done")
    change_id = await writes.create("a")
    await writes.approve(change_id)

    body = {"change_ids": [done, change_id]}
    refused = await writes.ask("POST", f"{QUEUE}/apply", APPROVER, json=body)

    assert refused.status == 400
    assert "batch" in refused.json["detail"]


@pytest.mark.parametrize(
    ("path", "body", "location"),
    [
        ("/batches", {"batch_title": "t"}, ["body"]),
        ("/batches", {"batch_title": "t", "approved_ids": ["x"]}, ["body", "approved_ids", 0]),
        (
            "/batches",
            {"batch_title": "t", "approved_ids": [1], "rejected_ids": [1], "reject_reason": "r"},
            ["body"],
        ),
        ("/batches", {"batch_title": "t", "rejected_ids": [1], "reject_reason": " "}, ["body"]),
        ("/apply", {"change_ids": [0]}, ["body", "change_ids", 0]),
        ("/purge", {"requested_by": [" "]}, ["body"]),
        ("/purge", {"statuses": ["nope"], "purge_all": True}, ["body", "statuses", 0]),
    ],
)
async def test_bodies_are_checked(writes: Writes, path: str, body: object, location: list[object]) -> None:
    answer = await writes.ask("POST", QUEUE + path, APPROVER, json=body)

    assert answer.status == 422
    assert answer.json["detail"][0]["loc"] == location


async def test_a_purged_change_is_gone_from_the_queue_but_not_from_the_audit(writes: Writes) -> None:
    hidden, kept = await writes.create("hidden one"), await writes.create("kept")
    dry = await writes.post(f"{QUEUE}/purge", {"model_name": "HIDDEN", "dry_run": True})

    purged = await writes.post(f"{QUEUE}/purge", {"model_name": "HIDDEN"})

    assert dry == {**purged, "dry_run": True}
    assert purged == {"removed_count": 1, "removed_change_ids": [hidden], "dry_run": False}
    assert [item["change_id"] for item in (await writes.get(f"{QUEUE}/changes"))["items"]] == [kept]
    assert (await writes.ask("GET", f"{QUEUE}/changes/{hidden}", READER)).status == 404
    events = (await writes.get(f"{QUEUE}/audit/events?model_name={hidden}"))["events"]
    assert [event["payload"]["after"]["action"] for event in events] == ["enqueue", "purge"]


async def test_the_proposer_edits_withdraws_and_everybody_comments(writes: Writes) -> None:
    change_id = await writes.create("m", description="one")
    one = f"{QUEUE}/changes/{change_id}"

    edited = await writes.ask("PUT", one, REQUESTOR, json={"name": "m", "description": "two"})
    foreign = await writes.ask("PUT", one, OTHER_REQUESTOR, json={"name": "m"})
    renamed = await writes.ask("PUT", one, REQUESTOR, json={"name": "n"})
    missing = await writes.ask("PUT", f"{QUEUE}/changes/77", REQUESTOR, json={"name": "n"})
    commented = await writes.post(f"{one}/comments", {"text": " why? "}, OTHER_REQUESTOR)
    withdrawn = await writes.post(f"{one}/withdraw", {"reason": "never mind"}, REQUESTOR)

    assert (edited.status, edited.json["payload"]["description"]) == (200, "two")
    assert [one.status for one in (foreign, renamed, missing)] == [403, 400, 404]
    assert [comment["text"] for comment in commented["comments"]] == ["why?"]
    assert withdrawn["status"] == "withdrawn"
    assert (await writes.ask("POST", f"{one}/withdraw", REQUESTOR, json={})).status == 409


async def test_what_was_edited_after_the_approver_looked_is_not_approved(writes: Writes) -> None:
    change_id = await writes.create("new")
    seen = (await writes.get(f"{QUEUE}/changes/{change_id}"))["payload_version"]
    edited = {"name": "new", "description": "something else"}
    assert (await writes.ask("PUT", f"{QUEUE}/changes/{change_id}", REQUESTOR, json=edited)).status == 200
    decision = {"batch_title": "t", "approved_ids": [change_id], "seen_versions": {str(change_id): seen}}

    answer = await writes.ask("POST", f"{QUEUE}/batches", APPROVER, json=decision)

    assert (answer.status, answer.json["change"]["payload_version"]) == (409, seen + 1)
    decision["seen_versions"] = {str(change_id): seen + 1}
    assert (await writes.ask("POST", f"{QUEUE}/batches", APPROVER, json=decision)).status == 200


async def test_an_approval_can_be_taken_back(writes: Writes) -> None:
    change_id = await writes.create()
    batch = await writes.approve(change_id)

    change = await writes.post(f"{QUEUE}/changes/{change_id}/unapprove", {"reason": "too early"})

    assert (change["status"], change["batch_id"]) == ("pending", None)
    assert (await writes.ask("GET", f"{QUEUE}/audit/batches/{batch}", READER)).status == 404
    assert (await writes.get(f"{QUEUE}/audit/batches"))["batches"] == []


async def test_the_two_person_rule_can_be_switched_on(filled_dir: Path) -> None:
    async with writing(filled_dir, require_two_persons=True) as client:
        own = await client.create("own", key=APPROVER)
        foreign = await client.create("foreign")
        refused = await client.ask(
            "POST", f"{QUEUE}/batches", APPROVER, json={"batch_title": "t", "approved_ids": [own]}
        )
        await client.approve(foreign)
    assert refused.status == 403


async def test_a_rollback_is_a_new_revision(writes: Writes) -> None:
    await writes.make_live("new")

    outcome = await writes.post("/v2/revisions/1/rollback", {"reason": "a mistake"})

    assert (outcome["revision"], outcome["rolled_back_to"]) == (3, 1)
    assert outcome["touched"] == [{"category": "clip", "model_name": "new", "operation": "delete"}]
    assert (await writes.ask("POST", "/v2/revisions/77/rollback", APPROVER, json={})).status == 404
