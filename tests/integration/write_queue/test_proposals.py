"""Proposals in v2 form over HTTP."""

import io
from typing import Any
from urllib.parse import quote

import pytest

from support.write_clients import OTHER_REQUESTOR, QUEUE, REQUESTOR, Writes

WITH_SLASH = "org/model-1"


async def test_a_proposal_is_accepted_and_changes_nothing_yet(writes: Writes) -> None:
    answer = await writes.ask(
        "POST", "/v2/clip?reason=%20wanted%20by%20many%20", REQUESTOR, json={"name": "new", "junk": 1}
    )

    assert answer.status == 202
    assert answer.headers["X-Revision"] == "1"
    change = answer.json
    assert change["payload"] == {
        "record_type": "clip",
        "name": "new",
        "metadata": {"schema_version": "2.0.0"},
        "config": {"download": []},
        "model_classification": {"domain": "image", "purpose": "feature_extractor"},
    }
    assert (change["reason"], change["base_revision"], change["status"]) == ("wanted by many", 1, "pending")
    assert change["request_metadata"] == {"route": "create_v2_clip"}
    assert change["requested_username"] == "requestor#101"


@pytest.mark.parametrize("sent", ["org%2Fmodel-1", "org/model-1", "org%2fmodel-1"])
async def test_names_with_slashes_are_found_however_they_are_sent(writes: Writes, sent: str) -> None:
    await writes.make_live(WITH_SLASH)

    updated = await writes.ask(
        "PUT", f"/v2/clip/model/{sent}", REQUESTOR, json={"name": WITH_SLASH, "version": "2"}
    )
    deleted = await writes.ask("DELETE", f"/v2/clip/model/{sent}", REQUESTOR)

    assert (updated.status, updated.json["model_name"]) == (202, WITH_SLASH)
    assert (deleted.status, deleted.json["model_name"]) == (202, WITH_SLASH)


@pytest.mark.parametrize("name", ["a b (c)", "100%", "ü+ö", "..", "a?b#c", "pending", "add"])
async def test_names_are_decoded_once(writes: Writes, name: str) -> None:
    await writes.make_live(name)

    answer = await writes.ask("DELETE", f"/v2/clip/model/{quote(name, safe='')}", REQUESTOR)

    assert (answer.status, answer.json["model_name"]) == (202, name)


async def test_the_record_must_be_the_one_of_the_path(writes: Writes) -> None:
    answer = await writes.ask("PUT", "/v2/clip/model/ghost", REQUESTOR, json={"name": "other"})
    unnamed = await writes.ask("PUT", "/v2/clip/model/ghost", REQUESTOR, json={})

    assert answer.status == 400
    assert "'ghost'" in answer.json["detail"]
    assert (unnamed.status, unnamed.json["detail"][0]["loc"]) == (422, ["body", "name"])


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"5", b"null", b"", b"true"])
async def test_a_body_that_is_no_object_is_refused(writes: Writes, body: bytes) -> None:
    for method, path in (("POST", "/v2/clip"), ("PUT", "/v2/clip/model/x"), ("POST", f"{QUEUE}/purge")):
        answer = await writes.ask(
            method, path, "key-approver", data=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status == 422, (method, path)
        assert answer.json["detail"][0]["loc"] == ["body"]


async def test_what_exists_is_not_created_and_what_does_not_is_not_changed(writes: Writes) -> None:
    await writes.make_live("known")

    created = await writes.ask("POST", "/v2/clip", REQUESTOR, json={"name": "known"})
    added = await writes.ask("POST", "/v2/clip/add", REQUESTOR, json={"name": "known"})
    updated = await writes.ask("PUT", "/v2/clip/model/ghost", REQUESTOR, json={"name": "ghost"})
    deleted = await writes.ask("DELETE", "/v2/clip/model/ghost", REQUESTOR)

    assert [one.status for one in (created, added, updated, deleted)] == [409, 409, 404, 404]
    assert "known" in created.json["detail"]
    assert "ghost" in updated.json["detail"]


async def test_a_second_create_of_a_name_is_refused_with_the_first(writes: Writes) -> None:
    first = await writes.create("new")

    answer = await writes.ask("POST", "/v2/clip", OTHER_REQUESTOR, json={"name": "new"})

    assert answer.status == 409
    assert answer.json["change"]["change_id"] == first


async def test_backend_prefixes_are_refused(writes: Writes) -> None:
    answer = await writes.ask(
        "POST", "/v2/text_generation", REQUESTOR, json={"name": "koboldcpp/X-7B", "parameters": 7}
    )

    assert answer.status == 400
    assert "backend prefix" in answer.json["detail"]


async def test_the_same_request_with_its_key_is_answered_alike_and_done_once(writes: Writes) -> None:
    async def send(key: str = REQUESTOR, **body: Any) -> Any:
        return await writes.ask(
            "POST", "/v2/clip", key, json={"name": "new", **body}, headers={"Idempotency-Key": "one-1"}
        )

    first, again = await send(), await send()
    other_body = await send(description="x")
    other_user = await send(OTHER_REQUESTOR)

    assert (first.status, again.status) == (202, 202)
    assert first.json == again.json
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other_body.status == 422
    assert other_user.status == 409
    assert (await writes.get(f"{QUEUE}/changes"))["total"] == 1


async def test_an_idempotency_key_that_is_none_is_refused(writes: Writes) -> None:
    answer = await writes.ask(
        "POST", "/v2/clip", REQUESTOR, json={"name": "new"}, headers={"Idempotency-Key": "with blank"}
    )

    assert (answer.status, answer.json["detail"][0]["loc"]) == (422, ["header", "idempotency-key"])


async def test_a_proposal_too_large_is_413(writes: Writes) -> None:
    body = io.BytesIO(b'{"name": "x", "description": "' + b"y" * 2_000_000 + b'"}')
    answer = await writes.ask(
        "POST", "/v2/clip", REQUESTOR, data=body, headers={"Content-Type": "application/json"}
    )

    assert answer.status == 413


async def test_a_reason_too_long_is_refused(writes: Writes) -> None:
    answer = await writes.ask("POST", f"/v2/clip?reason={'x' * 501}", REQUESTOR, json={"name": "x"})

    assert (answer.status, answer.json["detail"][0]["loc"]) == (422, ["query", "reason"])


async def test_a_revision_to_come_is_no_base(writes: Writes) -> None:
    await writes.make_live("known")

    answer = await writes.ask(
        "PUT", "/v2/clip/model/known?base_revision=77", REQUESTOR, json={"name": "known"}
    )

    assert answer.status in {404, 409, 422}
