"""What is stored beside the text models, over HTTP."""

from collections.abc import Mapping

import pytest

from support.write_clients import QUEUE, REQUESTOR, Writes

PREFIX = "/v2/text_generation"


async def ask(
    writes: Writes, method: str, path: str, body: Mapping[str, object] | None = None
) -> tuple[int, object]:
    answer = await writes.ask(method, PREFIX + path, REQUESTOR, json=body)
    return answer.status, answer.json if answer.body else None


async def test_aliases_are_set_extended_and_removed(writes: Writes) -> None:
    one = "/aliases/org%2FA"
    assert await ask(writes, "PUT", one, {"aliases": ["x", "y"]}) == (
        200,
        {"canonical": "org/A", "aliases": ["x", "y"]},
    )
    assert (await ask(writes, "PUT", "/aliases/B", {"aliases": ["x"]}))[0] == 409
    assert (await ask(writes, "POST", f"{one}/add", {"alias": "z"}))[1] == {
        "canonical": "org/A",
        "aliases": ["x", "y", "z"],
    }
    assert (await ask(writes, "POST", f"{one}/remove", {"alias": "nope"}))[0] == 404
    assert (await ask(writes, "POST", f"{one}/remove", {"alias": "x"}))[0] == 200
    assert await ask(writes, "DELETE", one) == (204, None)
    assert (await ask(writes, "DELETE", one))[0] == 404


async def test_families_are_set_extended_and_removed(writes: Writes) -> None:
    one = "/families/F"
    assert await ask(writes, "PUT", one, {"members": ["b", "a", "a"]}) == (
        200,
        {"family_name": "F", "members": ["a", "b"]},
    )
    assert (await ask(writes, "PUT", "/families/G", {"members": ["a"]}))[0] == 409
    assert (await ask(writes, "PUT", "/families/G", {"members": []}))[0] == 409
    assert (await ask(writes, "POST", "/families/G/add", {"group_name": "c"}))[0] == 404
    assert (await ask(writes, "POST", f"{one}/add", {"group_name": "c"}))[0] == 200
    assert (await ask(writes, "POST", f"{one}/remove", {"group_name": "c"}))[0] == 200
    assert (await ask(writes, "DELETE", one))[0] == 204


async def test_name_schemas_are_merged_and_removed(writes: Writes) -> None:
    path = "/group/name_schema?name=Some%20Group"
    first = await ask(writes, "PUT", path, {"separator": "_", "common_author": None})
    second = await ask(writes, "PUT", path, {"author_included": False})

    assert first[0] == 200
    assert second[1] == {
        "group_name": "Some Group",
        "name_schema": {
            "separator": "_",
            "part_order": ["base", "size", "variant", "version", "quant"],
            "author_included": False,
            "common_author": None,
            "template": None,
            "extra_parts": [],
        },
        "is_custom": True,
    }
    assert await ask(writes, "DELETE", path) == (204, None)
    assert (await ask(writes, "DELETE", path))[0] == 404


async def test_common_fields_become_a_change_for_each_member(writes: Writes) -> None:
    for name in ("org/Zed-7B", "org/Zed-13B"):
        await writes.make_live(name, "text_generation", parameters=7, text_model_group="Zed")

    status, answer = await ask(writes, "PUT", "/group/common_fields?name=Zed", {"style": "chat"})

    assert status == 202
    assert isinstance(answer, dict)
    assert answer["updated_count"] == 2
    changes = [await writes.get(f"{QUEUE}/changes/{one}") for one in answer["pending_change_ids"]]
    assert {change["model_name"] for change in changes} == {"org/Zed-7B", "org/Zed-13B"}
    assert all(change["payload"]["style"] == "chat" and change["notes"] for change in changes)
    assert changes[0]["request_metadata"] == {
        "route": "update_group_common_fields",
        "batch_id": answer["batch_id"],
    }


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("?name=Nothing", {"style": "chat"}, 404),
        ("?name=Zed", {}, 400),
        ("?name=Zed", {"style": None}, 400),
        ("", {"style": "chat"}, 422),
    ],
)
async def test_common_fields_that_cannot_be_set_are_refused(
    writes: Writes, query: str, body: Mapping[str, object], status: int
) -> None:
    assert (await ask(writes, "PUT", f"/group/common_fields{query}", body))[0] == status


@pytest.mark.parametrize("path", ["org/Zed-7B", "org%2FZed-7B"])
async def test_a_name_exception_goes_through_the_queue(writes: Writes, path: str) -> None:
    await writes.make_live("org/Zed-7B", "text_generation", parameters=7)

    status, answer = await ask(writes, "PUT", f"/{path}/name_exception", {"reason": "history"})

    assert status == 202
    assert isinstance(answer, dict)
    change = await writes.get(f"{QUEUE}/changes/{answer['pending_change_id']}")
    assert change["payload"]["name_schema_exception"] == "history"
    assert change["request_metadata"]["route"] == "set_name_exception"
    assert (await ask(writes, "PUT", f"/{path}/name_exception", {}))[0] == 422
    assert (await ask(writes, "PUT", "/no/such/name_exception", {"reason": None}))[0] == 404
