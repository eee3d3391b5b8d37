"""The audit over HTTP."""

from typing import Any

from support.write_clients import APPROVER, QUEUE, READER, REQUESTOR, Writes

AUDIT = f"{QUEUE}/audit"


async def events(writes: Writes, query: str = "", *, limit: int = 500) -> list[dict[str, Any]]:
    """Return all events, page after page."""
    found: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = await writes.get(f"{AUDIT}/events?after={after}&limit={limit}{query}")
        found += page["events"]
        after = page["next_after"]
    return found


async def test_events_are_numbered_without_gaps_whatever_the_pages(writes: Writes) -> None:
    await writes.make_live("a")
    ids = [await writes.create(name) for name in ("b", "c", "d")]
    await writes.approve(*ids)
    await writes.apply(ids[1])
    await writes.post(f"{QUEUE}/purge", {"model_name": "d"})
    await writes.ask("PUT", "/v2/text_generation/aliases/A", REQUESTOR, json={"aliases": ["B"]})
    await writes.post("/v2/revisions/1/rollback", {})

    whole, pieces = await events(writes), await events(writes, limit=3)

    assert [event["event_id"] for event in whole] == list(range(1, len(whole) + 1))
    assert pieces == whole


async def test_an_applied_change_is_a_model_event_and_an_event_of_the_queue(writes: Writes) -> None:
    seeded = len(await events(writes))
    change_id = await writes.create("new", description="d")
    batch = await writes.approve(change_id)
    await writes.post(f"{QUEUE}/changes/{change_id}/apply", {"job_id": "J"})

    enqueue, approve, model, apply = (await events(writes))[seeded:]

    assert enqueue["payload"] == {
        "after": {
            "action": "enqueue",
            "change_id": change_id,
            "operation": "create",
            "category": "clip",
            "model": "new",
        }
    }
    assert (enqueue["domain"], enqueue["category"], enqueue["model_name"]) == (
        "v2",
        "pending_queue",
        str(change_id),
    )
    assert approve["logical_user_id"] == "202"
    assert (model["category"], model["model_name"], model["operation"]) == ("clip", "new", "create")
    assert (model["request_id"], model["logical_user_id"]) == ("J", "202")
    assert model["payload"]["after"]["description"] == "d"
    assert apply["payload"]["after"] == {
        "action": "apply",
        "change_id": change_id,
        "batch_id": batch,
        "job_id": "J",
    }


async def test_updates_tell_both_sides_of_every_field(writes: Writes) -> None:
    await writes.make_live("known", description="one", version="1")
    answer = await writes.ask(
        "PUT", "/v2/clip/model/known", REQUESTOR, json={"name": "known", "description": "two"}
    )
    await writes.approve(answer.json["change_id"])
    await writes.apply(answer.json["change_id"])

    delta = (await events(writes, "&category=clip&model_name=known"))[-1]["payload"]["delta"]

    assert delta["description"] == {"old": "one", "new": "two"}
    assert delta["version"] == {"old": "1", "new": None}
    assert set(delta) == {"description", "version", "metadata"}


async def test_a_split_tells_who_moved_where(writes: Writes) -> None:
    ids = [await writes.create(name) for name in ("a", "b", "c")]
    batch = await writes.approve(*ids)
    answer = await writes.apply(ids[1])

    split = (await events(writes, "&category=pending_queue&model_name=queue"))[-1]

    assert split["payload"]["after"] == {
        "original_batch_id": batch,
        "new_batch_id": answer["batch_split_new_batch_id"],
        "reassigned_change_ids": [ids[0], ids[2]],
        "reason": "partial_apply",
        "action": "batch_split",
    }


async def test_group_data_is_audited(writes: Writes) -> None:
    path = "/v2/text_generation/aliases/A"
    await writes.ask("PUT", path, REQUESTOR, json={"aliases": ["B"]})
    await writes.ask("PUT", path, REQUESTOR, json={"aliases": ["C"]})
    await writes.ask("DELETE", path, REQUESTOR)

    found = await events(writes, "&category=aliases")

    assert [event["operation"] for event in found] == ["create", "update", "delete"]
    assert [event["payload"] for event in found] == [
        {"after": {"aliases": ["B"]}},
        {"delta": {"aliases": {"old": ["B"], "new": ["C"]}}},
        {"before": {"aliases": ["C"]}},
    ]


async def test_filters_that_match_little_go_on_to_the_end(writes: Writes) -> None:
    for number in range(20):
        await writes.create(f"m{number}")

    assert [one["model_name"] for one in await events(writes, "&model_name=7", limit=1)] == ["7"]
    assert await events(writes, "&category=lora") == []


async def test_replay_gives_the_records_of_any_revision(writes: Writes) -> None:
    await writes.make_live("a", description="one")
    seeded = await writes.get(f"{AUDIT}/replay?category=clip&revision=1")
    await writes.ask("DELETE", "/v2/clip/model/a", REQUESTOR)

    newest = await writes.get(f"{AUDIT}/replay?category=clip")

    assert "a" not in seeded["records"]
    assert newest["revision"] == 2
    assert newest["records"].keys() == {*seeded["records"], "a"}
    assert newest["events_replayed"] == len(newest["records"])
    assert (await writes.ask("GET", f"{AUDIT}/replay?category=clip&revision=77", READER)).status == 404
    assert (await writes.get(f"{AUDIT}/replay?category=clip&revision=0"))["records"] == {}


async def test_net_changes_are_right_for_seeded_models(writes: Writes) -> None:
    known = (await writes.get(f"{AUDIT}/replay?category=clip"))["records"]
    name = next(iter(known))
    changed = {**known[name], "description": "changed"}
    ids = [
        (await writes.ask("PUT", f"/v2/clip/model/{name.replace('/', '%2F')}", REQUESTOR, json=changed)).json[
            "change_id"
        ],
        await writes.create("new"),
    ]
    rejected = await writes.create("rejected")
    body = {"batch_title": "Net", "approved_ids": ids, "rejected_ids": [rejected], "reject_reason": "r"}
    batch = (await writes.post(f"{QUEUE}/batches", body))["batch_id"]
    early = await writes.get(f"{AUDIT}/batches/{batch}/net_changes")
    await writes.ask("POST", f"{QUEUE}/apply_batch/{batch}", APPROVER)

    net = await writes.get(f"{AUDIT}/batches/{batch}/net_changes")

    assert early["model_changes"] == []
    assert [(one["model_name"], one["net_operation"]) for one in net["model_changes"]] == [
        (name, "modified"),
        ("new", "added"),
    ]
    assert net["model_changes"][0]["before_state"] == known[name]
    assert (net["models_added"], net["models_modified"], net["models_unchanged"]) == (1, 1, 0)
    assert [one["is_critical"] for one in net["model_changes"]] == [False, True]
    assert net["has_critical_changes"] is True
    assert net["total_field_changes"] == sum(len(one["field_diffs"]) for one in net["model_changes"])


async def test_what_waits_is_newest_first(writes: Writes) -> None:
    first, second = await writes.create("a"), await writes.create("b")

    current = await writes.get(f"{AUDIT}/current")

    assert [change["change_id"] for change in current["pending_changes"]] == [second, first]
    assert current["total_pending"] == 2
    assert (await writes.get(f"{AUDIT}/current?domain_override=legacy"))["pending_changes"] == []


async def test_batches_are_paged_from_the_newest(writes: Writes) -> None:
    made = []
    for name in ("a", "b", "c"):
        change_id = await writes.create(name)
        made.append(await writes.approve(change_id, title=name))
        await writes.apply(change_id)

    page = await writes.get(f"{AUDIT}/batches?limit=2")
    rest = await writes.get(f"{AUDIT}/batches?limit=2&cursor={page['next_cursor']}")

    assert [batch["batch_title"] for batch in page["batches"]] == ["c", "b"]
    assert ([batch["batch_id"] for batch in rest["batches"]], rest["next_cursor"]) == ([made[0]], None)
    assert (await writes.ask("GET", f"{AUDIT}/batches/77", READER)).status == 404
    other = f"{AUDIT}/batches/{made[0]}?domain_override=legacy"
    assert (await writes.ask("GET", other, READER)).status == 404


async def test_a_batch_shows_its_changes_also_hidden_ones(writes: Writes) -> None:
    first, second = await writes.create("a"), await writes.create("b")
    batch = await writes.approve(first, second, title="June")
    await writes.post(f"{QUEUE}/purge", {"model_name": "b"})
    await writes.apply(first)

    shown = await writes.get(f"{AUDIT}/batches/{batch}")

    assert [(change["change_id"], change["status"]) for change in shown["changes"]] == [
        (first, "applied"),
        (second, "approved"),
    ]
    assert [event["action"] for event in shown["changes"][1]["events"]] == ["enqueue", "approve", "purge"]
    assert (shown["batch_title"], shown["approved_change_count"], shown["applied_change_count"]) == (
        "June",
        2,
        1,
    )
