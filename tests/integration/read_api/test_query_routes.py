from typing import Any

import pytest

from registry.catalogue import RejectedRecord, SideData
from service_kit.errors import StoreUnavailable
from support.contents import a_content, a_record
from support.read_clients import Client, Serve
from support.revision_sources import ScriptedSource

V2 = "/api/model_references/v2"
TEXT = f"{V2}/text_generation"


async def json_of(client: Client, path: str, status: int = 200) -> Any:
    answer = await client.get(path)
    assert answer.status == status, await answer.text()
    return await answer.json()


async def test_search_over_all_goes_through_the_categories_in_order(client: Client) -> None:
    found = await json_of(client, f"{V2}/search?limit=6&offset=4")

    assert [record["record_type"] for record in found["results"]] == ["clip"] + ["image_generation"] * 5
    assert (found["total"], found["has_more"]) == (11, True)


async def test_search_within_a_category_says_parameters_count(client: Client) -> None:
    found = await json_of(client, f"{TEXT}/search?name_contains=MARX&sort_by=parameters_count")

    assert found["results"][0]["parameters_count"] == 7_000_000_000


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("nonsense/search", 422),
        ("clip/search?nsfw=true", 400),
        ("clip/search?sort_by=bogus", 400),
        ("clip/search?source=pending", 400),
        ("clip/search?limit=0", 422),
        ("blip/search", 404),
        ("search?sort_by=baseline", 400),
        ("search?sort_by=metadata__bogus", 400),
    ],
)
async def test_search_refuses_what_it_cannot_answer(client: Client, path: str, status: int) -> None:
    assert "detail" in await json_of(client, f"{V2}/{path}", status)


async def test_search_in_a_category_managed_elsewhere_is_empty(client: Client) -> None:
    found = await json_of(client, f"{V2}/lora/search?sort_by=name&limit=7")

    assert found == {"results": [], "total": 0, "offset": 0, "limit": 7, "has_more": False}


async def test_a_repeated_search_gives_the_same_answer(client: Client) -> None:
    first, second = [await client.get(f"{V2}/search?limit=3") for _ in range(2)]

    assert await first.read() == await second.read()
    assert first.headers["ETag"] == second.headers["ETag"]


async def test_a_name_is_taken_apart_and_filed_under_the_canonical_group(serve: Serve) -> None:
    text = {"x/Marx-3B": a_record("text_generation", "x/Marx-3B", text_model_group="Marx")}
    side_data = SideData(aliases={"Karl": ("Marx",)})
    client = await serve(a_content({"text_generation": text}, side_data=side_data))

    parsed = await json_of(client, f"{TEXT}/parse_name?name=koboldcpp/x/Marx-3B-Q4_K_M")

    assert (parsed["base_name"], parsed["size"], parsed["quant"]) == ("koboldcpp/x/Marx", "3B", "Q4_K_M")
    assert parsed["suggested_group"] == "Karl"


async def test_a_name_is_composed_and_looked_up(client: Client) -> None:
    body = {"base_name": "Marx", "size": "3B", "version": "V3", "author": "acrastt"}

    answer = await client.post(f"{TEXT}/compose_name", json=body)

    assert await answer.json() == {
        "composed_name": "acrastt/Marx-3B-V3",
        "already_exists": True,
        "suggested_group": "Marx",
    }


@pytest.mark.parametrize(
    ("body", "kind", "location"),
    [
        (b"", "missing", ["body"]),
        (b"null", "missing", ["body"]),
        (b"{", "json_invalid", ["body", 1]),
        (b'{"base_name": "\\ud800", "size": "7B"}', "json_invalid", None),
        (b"\xff", "json_invalid", None),
        (b"[]", "model_attributes_type", ["body"]),
        (b'{"size": "7B"}', "missing", ["body", "base_name"]),
        (b'{"base_name": 1, "size": "7B"}', "string_type", ["body", "base_name"]),
        (b'{"base_name": "A", "size": "7B", "part_order": "base"}', "list_type", ["body", "part_order"]),
    ],
)
async def test_a_body_that_is_not_valid_is_refused_with_the_place(
    client: Client, body: bytes, kind: str, location: list[str | int] | None
) -> None:
    answer = await client.post(f"{TEXT}/compose_name", data=body)

    problem = (await answer.json())["detail"][0]
    assert answer.status == 422
    assert problem["type"] == kind
    assert location in (None, problem["loc"])


@pytest.mark.parametrize(
    "body",
    [
        {"base_name": "a" * 20_001, "size": "7B"},
        {"base_name": "a" * 10_000, "size": "7B", "separator": "-" * 10_000},
        {"base_name": "a" * 2000, "size": "7B", "part_order": ["base"] * 50},
        {"base_name": "a", "size": "7B", "part_order": ["base"] * 101},
    ],
)
async def test_a_name_that_would_be_enormous_is_not_composed(client: Client, body: dict[str, Any]) -> None:
    answer = await client.post(f"{TEXT}/compose_name", json=body)

    assert answer.status == 422
    assert len(await answer.read()) < 50_000


async def test_a_name_of_10000_characters_is_taken_apart_and_a_longer_one_refused(client: Client) -> None:
    name = "a-" * 5000 + "7B"

    assert (await json_of(client, f"{TEXT}/parse_name?name={name}"))["size"] == "7B"
    assert (await client.get(f"{TEXT}/parse_name?name={name * 3}")).status == 422


async def test_groups_and_baselines_are_listed_sorted(serve: Serve) -> None:
    text = {
        name: a_record("text_generation", name, text_model_group=group, baseline=baseline)
        for name, group, baseline in (("b-1B", "b", "y"), ("a-1B", "a", "x"), ("c-1B", "B", ""))
    }
    client = await serve(a_content({"text_generation": text}))

    assert await json_of(client, f"{TEXT}/groups") == {"groups": ["B", "a", "b"]}
    assert await json_of(client, f"{TEXT}/distinct_baselines") == {"baselines": ["x", "y"]}
    assert (await json_of(client, f"{TEXT}/groups/summary"))["total_groups"] == 3
    assert (await json_of(client, f"{TEXT}/groups/health"))["total_groups_checked"] == 3


async def test_a_group_is_asked_for_by_its_exact_name(client: Client) -> None:
    group = await json_of(client, f"{TEXT}/group?name=Marx")
    schema = await json_of(client, f"{TEXT}/group/name_schema?name=Marx")

    assert [member["name"] for member in group["members"]] == ["acrastt/Marx-3B-V3"]
    assert schema["name_schema"] == group["name_format"]
    assert schema["is_custom"] is False
    for path in ("group?name=marx", "group/name_schema?name=Marx%20"):
        await json_of(client, f"{TEXT}/{path}", 404)
    await json_of(client, f"{TEXT}/group", 422)


async def test_aliases_and_families_are_found_by_names_with_slashes(serve: Serve) -> None:
    side_data = SideData(aliases={"a/b": ("z", "c")}, families={"f/g": ("y", "x"), "detect": ("q",)})
    client = await serve(a_content({"text_generation": {}}, side_data=side_data))
    family = {"family_name": "f/g", "members": ["x", "y"]}

    assert await json_of(client, f"{TEXT}/aliases") == {
        "entries": [{"canonical": "a/b", "aliases": ["c", "z"]}]
    }
    assert await json_of(client, f"{TEXT}/aliases/a%2Fb") == {"canonical": "a/b", "aliases": ["c", "z"]}
    assert family in (await json_of(client, f"{TEXT}/families"))["families"]
    assert await json_of(client, f"{TEXT}/families/f/g") == family
    assert "suggestions" in await json_of(client, f"{TEXT}/families/detect")
    await json_of(client, f"{TEXT}/aliases/z", 404)
    await json_of(client, f"{TEXT}/families/x", 404)


async def test_asking_for_the_other_format_is_no_failure_of_the_service(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    await json_of(client, "/api/model_references/v1/metadata/last_updated", 503)

    assert caplog.records == []


async def test_the_status_shows_operators_sizes_and_what_was_left_out(serve: Serve) -> None:
    rejected = RejectedRecord(name="bad", path="config", reason="not an object")
    content = a_content(
        {"clip": {"a": a_record("clip", "a")}},
        revision=5,
        legacy={"clip": b"{}\n"},
        side_data=SideData(rejected={"clip": (rejected,)}),
    )
    client = await serve(content, source=ScriptedSource(failure=StoreUnavailable("the store is down")))

    status = await json_of(client, "/api/status")

    assert (status["revision"], status["sequence"]) == (5, 5)
    assert status["store"] == {
        "reachable": False,
        "seconds_since_contact": 1.0,
        "problem": "the store is down",
    }
    assert status["categories"]["clip"]["models"] == 1
    assert status["categories"]["clip"]["legacy_bytes"] == 3
    assert status["categories"]["clip"]["rejected"] == [rejected.model_dump()]


async def test_the_text_of_an_unexpected_failure_is_not_shown(serve: Serve) -> None:
    client = await serve(a_content(), source=ScriptedSource(failure=OSError("/secret/path")))

    assert (await json_of(client, "/api/status"))["store"]["problem"] == "OSError"


async def test_a_search_over_a_large_category_is_right(serve: Serve) -> None:
    record = a_record("clip", "x")
    client = await serve(a_content({"clip": {f"{n:05}": record | {"name": f"{n:05}"} for n in range(6000)}}))

    found = await json_of(client, f"{V2}/clip/search?sort_by=name&sort_desc=true&limit=1&name_contains=5")

    assert found["results"][0]["name"] == "05999"
    assert found["total"] == sum("5" in f"{n:05}" for n in range(6000))
