"""Proposals in legacy form over HTTP, the legacy format being canonical."""

import pytest

from support.write_clients import QUEUE, READER, REQUESTOR, Writes

IMAGE = {"name": "img", "baseline": "stable_diffusion_1", "nsfw": True}


async def test_payloads_are_in_legacy_form(legacy_writes: Writes) -> None:
    change = await legacy_writes.post("/v1/image_generation", IMAGE, REQUESTOR, status=202)

    assert change["payload"]["baseline"] == "stable diffusion 1"
    assert change["payload"]["type"] == "ckpt"
    assert change["request_metadata"]["route"] == "create_legacy_image_generation_model"


@pytest.mark.parametrize(
    ("category", "route"),
    [("image_generation", "update_legacy_model"), ("clip", "update_legacy_clip_model")],
)
async def test_updates_find_the_name_in_the_body(legacy_writes: Writes, category: str, route: str) -> None:
    fields = {"baseline": "stable diffusion 1"} if category == "image_generation" else {}
    await legacy_writes.make_live("known", category, **fields)
    body = {"name": "known", "description": "new", **fields}

    answer = await legacy_writes.ask("PUT", f"/v1/{category}", REQUESTOR, json=body)

    assert answer.status == 202
    assert (answer.json["operation"], answer.json["request_metadata"]["route"]) == ("update", route)
    assert (
        await legacy_writes.ask("PUT", f"/v1/{category}", REQUESTOR, json={**body, "name": "ghost"})
    ).status == 404


@pytest.mark.parametrize("path", ["model/org%2Fknown", "model/org/known", "org%2Fknown"])
async def test_a_removal_has_a_short_path_too(legacy_writes: Writes, path: str) -> None:
    await legacy_writes.make_live("org/known")

    answer = await legacy_writes.ask("DELETE", f"/v1/clip/{path}", REQUESTOR)

    assert (answer.status, answer.json["model_name"]) == (202, "org/known")
    assert answer.json["request_metadata"]["route"] == "delete_legacy_model"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "/v1/metadata/last_updated", 404),
        ("DELETE", "/v1/pending_queue/changes", 405),
        ("DELETE", "/v1/nothing/model/x", 422),
        ("DELETE", "/v1/lora/model/x", 503),
        ("POST", "/v1/stable_diffusion", 404),
        ("POST", "/v1/lora", 404),
    ],
)
async def test_nothing_else_is_swallowed(legacy_writes: Writes, method: str, path: str, status: int) -> None:
    answer = await legacy_writes.ask(method, path, REQUESTOR, json={})

    assert answer.status == status


async def test_diffs_and_net_changes_are_in_legacy_form(legacy_writes: Writes) -> None:
    await legacy_writes.make_live("img", "image_generation", baseline="stable_diffusion_1")
    body = {**IMAGE, "baseline": "stable diffusion 2"}
    change_id = (await legacy_writes.ask("PUT", "/v1/image_generation", REQUESTOR, json=body)).json[
        "change_id"
    ]

    diff = await legacy_writes.get(f"{QUEUE}/changes/{change_id}/diff")
    batch = await legacy_writes.approve(change_id)
    await legacy_writes.apply(change_id)
    net = await legacy_writes.get(f"{QUEUE}/audit/batches/{batch}/net_changes")

    assert diff["current_state"]["baseline"] == "stable diffusion 1"
    assert diff["is_critical"] is True
    assert net["domain"] == "legacy"
    assert net["model_changes"][0]["after_state"]["baseline"] == "stable diffusion 2"


async def test_categories_without_legacy_form_are_reviewed_in_v2(legacy_writes: Writes) -> None:
    change = await legacy_writes.post("/v2/lora", {"name": "l"}, REQUESTOR, status=202)
    await legacy_writes.approve(change["change_id"])
    await legacy_writes.apply(change["change_id"])

    events = (await legacy_writes.get(f"{QUEUE}/audit/events?category=lora"))["events"]

    assert [(event["domain"], event["operation"]) for event in events] == [("v2", "create")]


async def test_the_beta_view_converts_record_by_record(legacy_writes: Writes) -> None:
    await legacy_writes.post("/v1/image_generation", IMAGE, REQUESTOR, status=202)
    text = {"name": "Org/Zed-7B", "parameters": 7_000_000_000}
    await legacy_writes.post("/v1/text_generation", text, REQUESTOR, status=202)

    assert (await legacy_writes.get("/v2/image_generation/pending"))["img"][
        "baseline"
    ] == "stable_diffusion_1"
    assert (await legacy_writes.get("/v2/text_generation/pending"))["Org/Zed-7B"]["text_model_group"] == "Zed"


async def test_edits_are_in_the_form_of_the_change(legacy_writes: Writes) -> None:
    change = await legacy_writes.post("/v1/image_generation", IMAGE, REQUESTOR, status=202)
    one = f"{QUEUE}/changes/{change['change_id']}"

    answer = await legacy_writes.ask("PUT", one, REQUESTOR, json={**IMAGE, "style": "anime"})

    assert (answer.status, answer.json["payload"]["style"]) == (200, "anime")
    assert (await legacy_writes.ask("PUT", one, READER, json=IMAGE)).status == 403
