"""Who may do what, and in which order requests are checked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from horde_model_reference.meta_consts import CanonicalFormat
from service_kit.endpoints import Endpoint
from support.some_horde import ANONYMOUS, NO_ID, SHARED
from support.write_clients import APPROVER, QUEUE, READER, REQUESTOR, Writes, writing
from write_queue.endpoints import write_endpoints
from write_queue.modes import Modes
from write_queue.write_side import WriteSide

VALUES = {
    "change_id": "1",
    "batch_id": "1",
    "revision": "1",
    "model_name": "m",
    "canonical": "a",
    "family_name": "f",
}
QUERY = "?name=x&change_ids=1&category=clip"
OPEN_TO_READERS = {"GET"}
OPEN = {"/model_references/v2/signing_key"}


def keyed_endpoints(canonical_format: CanonicalFormat) -> list[Endpoint]:
    side = WriteSide(Modes(canonical_format=canonical_format))
    served = (endpoint for endpoint in write_endpoints(side) if set(endpoint.answers) != {405})
    return [endpoint for endpoint in served if endpoint.path not in OPEN]


def addresses(canonical_format: CanonicalFormat = CanonicalFormat.v2) -> Iterator[tuple[str, str]]:
    """Yield method and path of every endpoint, filled in such that nothing but the key is missing."""
    for endpoint in keyed_endpoints(canonical_format):
        path = endpoint.path.removeprefix("/model_references").replace("{model_category_name}", "clip")
        for name, value in VALUES.items():
            path = path.replace(f"{{{name}}}", value)
        yield endpoint.method, path + QUERY


def test_every_endpoint_needs_a_key() -> None:
    endpoints = keyed_endpoints(CanonicalFormat.legacy)

    assert len(endpoints) > 100
    assert [one.path for one in endpoints if not one.needs_key] == []


@pytest.mark.parametrize("canonical_format", list(CanonicalFormat))
async def test_without_a_key_every_endpoint_answers_401(
    filled_dir: Path, canonical_format: CanonicalFormat
) -> None:
    async with writing(filled_dir, canonical_format=canonical_format) as client:
        for method, path in addresses(canonical_format):
            answer = await client.ask(method, path)
            assert answer.status == 401, (method, path, answer.body)
            assert answer.headers["WWW-Authenticate"] == "APIKey"
            assert answer.json == {"detail": "Not authenticated"}


async def test_an_unknown_key_is_refused_everywhere(writes: Writes) -> None:
    for method, path in addresses():
        answer = await writes.ask(method, path, "key-unknown")
        assert (answer.status, answer.json) == (401, {"detail": "Invalid API key"}), (method, path)


@pytest.mark.parametrize("key", [READER, ANONYMOUS, SHARED])
async def test_who_has_no_role_can_write_nothing(writes: Writes, key: str) -> None:
    before = (await writes.get(f"{QUEUE}/audit/events?limit=500"))["next_after"]
    for method, path in addresses():
        if method not in OPEN_TO_READERS:
            answer = await writes.ask(method, path, key)
            assert answer.status == 403, (method, path, answer.body)
    assert (await writes.get(f"{QUEUE}/audit/events?limit=500"))["next_after"] == before


async def test_a_requestor_decides_nothing(writes: Writes) -> None:
    change_id = await writes.create()
    for path in (
        "/batches",
        "/apply",
        f"/apply_batch/{change_id}",
        "/purge",
        f"/changes/{change_id}/apply",
        f"/changes/{change_id}/unapprove",
    ):
        answer = await writes.ask("POST", QUEUE + path, REQUESTOR, json={})
        assert answer.status == 403, path
        assert "approver" in answer.json["detail"]
    answer = await writes.ask("POST", "/v2/revisions/1/rollback", REQUESTOR, json={})
    assert answer.status == 403
    assert (await writes.get(f"{QUEUE}/changes/{change_id}"))["status"] == "pending"


async def test_a_user_without_id_is_nobody(writes: Writes) -> None:
    assert (await writes.ask("GET", "/v2/me/roles", NO_ID)).status == 401


async def test_roles_are_told(writes: Writes) -> None:
    assert await writes.get("/v2/me/roles", APPROVER) == {
        "user_id": "202",
        "username": "approver#202",
        "roles": ["approver", "requestor"],
        "is_approver": True,
        "is_requestor": True,
    }
    assert (await writes.get("/v2/me/roles", READER))["roles"] == []


@pytest.mark.parametrize(
    ("method", "path", "location"),
    [
        ("POST", "/v2/nothing/add", ["path", "model_category_name"]),
        ("PUT", "/v2/nothing/model/x", ["path", "model_category_name"]),
        ("DELETE", "/v2/nothing/model/x", ["path", "model_category_name"]),
        ("GET", "/v2/nothing/pending", ["path", "model_category_name"]),
        ("GET", f"{QUEUE}/changes/abc", ["path", "change_id"]),
        ("GET", f"{QUEUE}/changes/{'9' * 5000}", ["path", "change_id"]),
        ("GET", f"{QUEUE}/changes?limit=0", ["query", "limit"]),
        ("GET", f"{QUEUE}/audit/batches?cursor=0", ["query", "cursor"]),
        ("POST", f"{QUEUE}/apply_batch/x", ["path", "batch_id"]),
        ("POST", "/v2/clip?base_revision=0", ["query", "base_revision"]),
        ("PUT", "/v2/text_generation/group/name_schema", ["query", "name"]),
    ],
)
async def test_paths_and_queries_are_checked_before_the_key(
    writes: Writes, method: str, path: str, location: list[str]
) -> None:
    answer = await writes.ask(method, path)

    assert answer.status == 422
    assert answer.json["detail"][0]["loc"] == location


async def test_nobody_without_a_key_makes_us_read_a_body(writes: Writes) -> None:
    answer = await writes.ask("POST", "/v2/clip", data=b"{", headers={"Content-Type": "application/json"})

    assert answer.status == 401


async def test_a_body_that_is_not_json_is_refused_at_its_place(writes: Writes) -> None:
    plain = await writes.ask(
        "POST", "/v2/clip", REQUESTOR, data=b'{"name":"x"}', headers={"Content-Type": "text/plain"}
    )
    broken = await writes.ask(
        "POST", "/v2/clip", REQUESTOR, data=b"{", headers={"Content-Type": "application/json"}
    )

    assert (plain.status, plain.json["detail"][0]["loc"]) == (422, ["body"])
    assert (broken.status, broken.json["detail"][0]["type"]) == (422, "json_invalid")


async def test_answers_are_kept_by_nobody_and_tell_the_revision(writes: Writes) -> None:
    change_id = await writes.create()
    for method, path, key in (
        ("GET", f"{QUEUE}/changes/{change_id}", READER),
        ("GET", f"{QUEUE}/changes/99", READER),
        ("GET", f"{QUEUE}/changes", None),
        ("GET", "/v2/me/roles", READER),
    ):
        answer = await writes.ask(method, path, key)
        assert answer.headers["Cache-Control"] == "no-store", path
        assert answer.headers["X-Revision"] == "1", path


async def test_what_answers_get_answers_head(writes: Writes) -> None:
    answer = await writes.ask("HEAD", f"{QUEUE}/changes", READER)

    assert (answer.status, answer.body) == (200, b"")
    assert (await writes.ask("HEAD", f"{QUEUE}/changes")).status == 401


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/v2/clip/model/x", "DELETE,PUT"),
        ("DELETE", "/v2/clip", "POST"),
        ("DELETE", f"{QUEUE}/changes/1", "GET,HEAD,PUT"),
        ("GET", f"{QUEUE}/purge", "POST"),
    ],
)
async def test_another_method_is_405_and_says_which_would_do(
    writes: Writes, method: str, path: str, allowed: str
) -> None:
    answer = await writes.ask(method, path, APPROVER)

    assert answer.status == 405
    assert answer.headers["Allow"] == allowed


async def test_the_key_is_checked_while_the_queue_is_switched_off(filled_dir: Path) -> None:
    async with writing(filled_dir, pending_queue={"enabled": False}) as client:
        assert (await client.ask("POST", "/v2/clip", READER, json={"name": "x"})).status == 403
        answer = await client.ask("POST", "/v2/clip", REQUESTOR, json={"name": "x"})
        reading = await client.ask("GET", f"{QUEUE}/changes", READER)
        roles = await client.ask("GET", "/v2/me/roles", READER)
    for refused in (answer, reading):
        assert refused.status == 503
        assert "PENDING_QUEUE__ENABLED" in refused.json["detail"]
    assert roles.status == 200


async def test_legacy_writes_are_refused_too_while_the_queue_is_switched_off(filled_dir: Path) -> None:
    async with writing(filled_dir, canonical_format="legacy", pending_queue={"enabled": False}) as client:
        answer = await client.ask("POST", "/v1/clip", APPROVER, json={"name": "x"})
    assert answer.status == 503
    assert "PENDING_QUEUE__ENABLED" in answer.json["detail"]


async def test_without_approvers_nobody_is_one(filled_dir: Path) -> None:
    async with writing(filled_dir, pending_queue={"approver_ids": []}) as client:
        answer = await client.ask("POST", f"{QUEUE}/purge", ANONYMOUS, json={"purge_all": True})
    assert (answer.status, answer.json) == (401, {"detail": "Invalid API key"})


async def test_a_replica_tells_roles_and_nothing_else(filled_dir: Path) -> None:
    async with writing(filled_dir, replicate_mode="REPLICA") as client:
        roles = await client.ask("GET", "/v2/me/roles", APPROVER)
        refused = [
            await client.ask(method, path, APPROVER, json={})
            for method, path in addresses()
            if not path.startswith("/v2/me/roles")
        ]
    assert roles.status == 200
    assert {answer.status for answer in refused} == {503}
    assert all(
        "REPLICA" in answer.json["detail"] and "PRIMARY" in answer.json["detail"] for answer in refused
    )
    assert all("Retry-After" not in answer.headers for answer in refused)


async def test_the_audit_can_be_switched_off(filled_dir: Path) -> None:
    async with writing(filled_dir, audit={"enabled": False}) as client:
        answer = await client.ask("GET", f"{QUEUE}/audit/current", READER)
        changes = await client.ask("GET", f"{QUEUE}/changes", READER)
    assert answer.status == 503
    assert "AUDIT__ENABLED" in answer.json["detail"]
    assert changes.status == 200


async def test_a_category_of_the_other_format_names_the_setting(legacy_writes: Writes) -> None:
    for method, path in (("POST", "/v2/clip"), ("PUT", "/v2/clip/model/x"), ("DELETE", "/v2/clip/model/x")):
        answer = await legacy_writes.ask(method, path, REQUESTOR, json={"name": "x"})
        assert answer.status == 503
        assert "canonical_format" in answer.json["detail"]
        assert "legacy" in answer.json["detail"]
    assert (await legacy_writes.ask("POST", "/v2/lora", REQUESTOR, json={"name": "x"})).status == 202


async def test_legacy_routes_exist_only_where_legacy_is_canonical(writes: Writes) -> None:
    for method, path in (("POST", "/v1/clip"), ("PUT", "/v1/clip"), ("DELETE", "/v1/clip/model/x")):
        assert (await writes.ask(method, path, REQUESTOR, json={"name": "x"})).status in {404, 405}
