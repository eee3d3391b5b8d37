from urllib.parse import quote

import pytest
from aiohttp import hdrs
from yarl import URL

from horde_model_reference.meta_consts import MODEL_REFERENCE_CATEGORY
from registry.sources import SEED_FILES
from support.contents import a_content, a_record, real_content
from support.read_clients import Client, Serve
from support.reference_data import SHARED, requires_shared

V1, V2 = "/api/model_references/v1", "/api/model_references/v2"
PLAIN = {hdrs.ACCEPT_ENCODING: "identity"}


@pytest.mark.parametrize("prefix", ["/api", ""])
async def test_documents_are_served_with_and_without_api(client: Client, prefix: str) -> None:
    answer = await client.get(f"{prefix}/model_references/v2/clip")

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert list(await answer.json()) == ["ViT-L/14", "plain", "🜁 emoji", 'q"uote', "a..b"]


@pytest.mark.parametrize("name", ["clip", "clip.json"])
async def test_v1_serves_the_bytes_of_the_file(client: Client, name: str) -> None:
    answer = await client.get(f"{V1}/{name}")

    assert await answer.read() == b'{\r\n\t"ViT-L/14": {"name": "ViT-L/14"}\r\n}\r\n'


@requires_shared
@pytest.mark.parametrize("category", sorted(SEED_FILES))
async def test_v1_of_every_real_category_is_the_file_byte_for_byte(serve: Serve, category: str) -> None:
    folder, names = SEED_FILES[category]
    file = next(name for name in names if name.endswith(".json"))
    client = await serve(real_content())

    served = await (await client.get(f"{V1}/{category}", headers=PLAIN)).read()

    assert served == (SHARED / "data" / folder / file).read_bytes()


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("lora", 200),
        ("ti.json", 200),
        ("diffusers.json", 200),
        ("video_generation", 404),
        ("controlnet_annotator.json", 404),
        ("image_generation", 404),
        ("stable_diffusion", 404),
        ("db", 422),
        ("models.csv", 422),
        ("Clip", 422),
        ("clip.json.json", 422),
        ("nonsense", 422),
    ],
)
async def test_v1_names_without_data_or_meaning(client: Client, name: str, status: int) -> None:
    answer = await client.get(f"{V1}/{name}")

    body = await answer.json()
    assert answer.status == status
    assert body == {} if status == 200 else isinstance(body["detail"], str)
    if status == 422:
        assert name in body["detail"]


async def test_v1_text_with_groups_tells_the_group_of_each_entry(client: Client) -> None:
    answer = await client.get(f"{V1}/text_generation?include_group=yes")

    entries = await answer.json()
    assert entries["acrastt/Marx-3B-V3"]["text_model_group"] == "Marx"
    assert (await client.get(f"{V1}/text_generation?include_group=maybe")).status == 422
    assert (await client.get(f"{V1}/db.json?include_group=maybe")).status == 200


async def test_an_unknown_category_in_v2_is_a_problem_of_the_path(client: Client) -> None:
    for path in ("nonsense", "stable_diffusion", "clip.json", "Clip/model/x"):
        answer = await client.get(f"{V2}/{path}")

        problem = (await answer.json())["detail"][0]
        assert answer.status == 422
        assert (problem["type"], problem["loc"]) == ("enum", ["path", "model_category_name"])


@pytest.mark.parametrize("name", ["ViT-L/14", "plain", "🜁 emoji", 'q"uote', "a..b"])
@pytest.mark.parametrize("route", ["clip/model/", "clip/"])
async def test_a_record_is_found_under_its_encoded_name(client: Client, name: str, route: str) -> None:
    answer = await client.get(URL(f"{V2}/{route}{quote(name, safe='')}", encoded=True))

    assert answer.status == 200
    assert (await answer.json())["name"] == name


async def test_a_slash_in_a_name_may_stand_as_it_is(client: Client) -> None:
    answer = await client.get(f"{V2}/clip/model/ViT-L/14")

    assert (await answer.json())["name"] == "ViT-L/14"


async def test_a_very_long_name_is_found_and_missed(serve: Serve) -> None:
    name = "n" * 10_000
    client = await serve(a_content({"clip": {name: a_record("clip", name)}}))

    assert (await client.get(f"{V2}/clip/model/{name}")).status == 200
    assert (await client.get(f"{V2}/clip/model/{name}x")).status == 404


@pytest.mark.parametrize(
    "path", ["clip/model/none", "clip/model/plain%2F", "clip/model/%25", "lora/model/none"]
)
async def test_an_unknown_record_is_not_found(client: Client, path: str) -> None:
    answer = await client.get(URL(f"{V2}/{path}", encoded=True))

    assert answer.status == 404
    assert isinstance((await answer.json())["detail"], str)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("clip/search", 200),
        ("clip/popular", 404),
        ("clip/pending", 404),
        ("me/roles", 404),
        ("pending_queue/changes", 404),
        ("text_generation/groups", 200),
    ],
)
async def test_the_short_form_of_a_record_hides_no_other_route(
    client: Client, path: str, status: int
) -> None:
    answer = await client.get(f"{V2}/{path}")

    assert answer.status == status
    if status == 404:
        assert "no model" not in (await answer.json())["detail"]


@pytest.mark.parametrize("coding", ["gzip", "br"])
async def test_a_large_document_comes_compressed(client: Client, coding: str) -> None:
    plain = await (await client.get(f"{V2}/image_generation", headers=PLAIN)).read()

    answer = await client.get(f"{V2}/image_generation", headers={hdrs.ACCEPT_ENCODING: coding})

    assert answer.headers[hdrs.CONTENT_ENCODING] == coding
    assert int(answer.headers[hdrs.CONTENT_LENGTH]) < len(plain) / 2
    assert await answer.read() == plain  # the client unpacks it
    assert "Accept-Encoding" in answer.headers[hdrs.VARY]


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
@pytest.mark.parametrize(
    "path",
    [f"{V2}/image_generation", f"{V2}/image_generation/model/image 1", f"{V2}/search", "/api/openapi.json"],
)
async def test_a_client_that_has_it_gets_304(client: Client, path: str, coding: str) -> None:
    asked = {hdrs.ACCEPT_ENCODING: coding}
    first = await client.get(path, headers=asked)

    again = await client.get(path, headers={**asked, hdrs.IF_NONE_MATCH: first.headers[hdrs.ETAG]})

    assert again.status == 304
    assert await again.read() == b""
    assert again.headers[hdrs.ETAG] == first.headers[hdrs.ETAG]
    assert again.headers["X-Revision"] == "3"
    assert again.headers[hdrs.CACHE_CONTROL] == "no-cache, stale-if-error=86400"


async def test_codings_have_different_validators(client: Client) -> None:
    tags = {
        (await client.get(f"{V2}/image_generation", headers={hdrs.ACCEPT_ENCODING: coding})).headers[
            hdrs.ETAG
        ]
        for coding in ("identity", "gzip", "br")
    }

    assert len(tags) == 3


async def test_head_tells_what_get_would_send(client: Client) -> None:
    head, get = await client.head(f"{V2}/clip"), await client.get(f"{V2}/clip")

    assert head.status == 200
    assert await head.read() == b""
    for name in (hdrs.CONTENT_LENGTH, hdrs.ETAG, hdrs.CONTENT_TYPE, "X-Revision"):
        assert head.headers[name] == get.headers[name]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_refused_with_the_allowed_ones(client: Client, method: str) -> None:
    answer = await client.request(method, f"{V2}/clip")

    assert answer.status == 405
    assert "GET" in answer.headers[hdrs.ALLOW]
    assert isinstance((await answer.json())["detail"], str)


async def test_an_empty_journal_is_like_a_service_without_data(serve: Serve) -> None:
    client = await serve(None)
    statuses = {
        path: (await client.get(f"/api/model_references/{path}")).status
        for path in (
            "v1/clip",
            "v1/lora",
            "v1/text_generation?include_group=1",
            "v2/clip",
            "v2/video_generation",
            "v2/clip/model/x",
            "v2/clip/search",
            "v2/lora/search",
            "v2/search",
            "v2/model_categories",
            "v2/metadata/clip",
            "v2/metadata/last_updated",
            "v2/text_generation/groups",
            "v2/text_generation/groups/health",
            "v2/text_generation/parse_name?name=a",
            "v2/text_generation/families/detect",
        )
    }

    missing = {
        "v1/clip",
        "v1/text_generation?include_group=1",
        "v2/clip",
        "v2/clip/model/x",
        "v2/clip/search",
    }
    assert {path for path, status in statuses.items() if status == 404} == missing
    assert {status for path, status in statuses.items() if path not in missing} == {200}


async def test_every_category_has_a_schema_of_its_records(client: Client) -> None:
    for category in MODEL_REFERENCE_CATEGORY:
        answer = await client.get(f"{V2}/schemas/{category}")
        schema = await answer.json()
        assert answer.status == 200
        assert "name" in schema["properties"]
    assert "parameters" in (await (await client.get(f"{V2}/schemas/text_generation")).json())["properties"]
    assert (await client.get(f"{V2}/schemas/nonsense")).status == 422
