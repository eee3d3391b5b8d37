"""`?revision=n`: exactly what was served then."""

import gzip
from collections.abc import AsyncIterator

import pytest

from registry.catalogue import SideData
from support.contents import a_record
from support.faulty_store import FaultyStore
from support.histories import Past
from support.memory_store import MemoryObjectStore
from support.served_pasts import V1, V2, ServedPast, served

OLD_CLIP = {"ViT-L/14": a_record("clip", "ViT-L/14"), "gone": a_record("clip", "gone")}
NEW_CLIP = {"ViT-L/14": a_record("clip", "ViT-L/14", description="word " * 400)}
OLD_TEXT = {"acrastt/Marx-3B-V3": a_record("text_generation", "acrastt/Marx-3B-V3")}
LEGACY_CLIP = b'{\r\n\t"ViT-L/14": {"name": "ViT-L/14"}\r\n}\r\n'
LEGACY_TEXT = b'{"acrastt/Marx-3B-V3": {"name": "acrastt/Marx-3B-V3"}}'
IMMUTABLE = "public, max-age=31536000, immutable"


@pytest.fixture
async def world() -> AsyncIterator[ServedPast]:
    """Serve two revisions; the first is to be asked for."""
    past = Past()
    await past.seed(
        {"clip": OLD_CLIP, "text_generation": OLD_TEXT},
        legacy={"clip": LEGACY_CLIP, "text_generation": LEGACY_TEXT},
        side_data=SideData(files={"diffusers.json": '{"old": {}}\n'}),
    )
    await past.seed({"clip": NEW_CLIP}, legacy={"clip": b"{}"})
    async with served(past) as world:
        yield world


async def test_every_document_is_what_it_was(world: ServedPast) -> None:
    first = world.past.state.history.revisions[1]
    assert first.revision == 1
    for path, before in (
        (f"{V1}/clip", LEGACY_CLIP),
        (f"{V1}/clip.json", LEGACY_CLIP),
        (f"{V1}/text_generation", LEGACY_TEXT),
        (f"{V1}/diffusers.json", b'{"old": {}}\n'),
        (f"{V1}/lora", b"{}"),
        (f"{V2}/lora", b"{}"),
    ):
        answer = await world.ask(f"{path}?revision=1")
        assert (answer.status, answer.body) == (200, before), path
        assert answer.headers["Cache-Control"] == IMMUTABLE
        assert answer.headers["X-Revision"] == "1"


async def test_v2_documents_and_records_have_the_bytes_of_their_revision(world: ServedPast) -> None:
    newest = await world.ask(f"{V2}/clip")
    again = await world.ask(f"{V2}/clip?revision=2")
    old = await world.ask(f"{V2}/clip?revision=1")
    record = await world.ask(f"{V2}/clip/model/ViT-L%2F14?revision=1")

    assert newest.body == again.body != old.body
    assert list(old.json) == ["ViT-L/14", "gone"]
    assert record.body in old.body
    assert record.json == OLD_CLIP["ViT-L/14"]


@pytest.mark.parametrize("name", ["gone", "ViT-L/14", "ViT-L%2F14"])
async def test_records_are_found_by_both_forms_of_their_path(world: ServedPast, name: str) -> None:
    answer = await world.ask(f"{V2}/clip/model/{name}?revision=1")

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == IMMUTABLE


async def test_a_document_that_the_client_has_is_not_sent_again(world: ServedPast) -> None:
    tag = (await world.ask(f"{V2}/clip?revision=2", headers={"Accept-Encoding": "gzip"})).headers["ETag"]

    answer = await world.ask(
        f"{V2}/clip?revision=2", headers={"Accept-Encoding": "gzip", "If-None-Match": tag}
    )

    assert answer.status == 304
    assert answer.headers["Cache-Control"] == IMMUTABLE


async def test_documents_travel_compressed(world: ServedPast) -> None:
    packed = await world.ask(f"{V2}/clip?revision=2", headers={"Accept-Encoding": "gzip"})
    plain = await world.ask(f"{V2}/clip?revision=2")

    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body


async def test_groups_are_added_to_a_former_text_document(world: ServedPast) -> None:
    answer = await world.ask(f"{V1}/text_generation?include_group=true&revision=1")

    assert answer.json["acrastt/Marx-3B-V3"]["text_model_group"]
    assert answer.headers["Cache-Control"] == IMMUTABLE


@pytest.mark.parametrize(
    "path",
    [
        f"{V2}/clip",
        f"{V2}/clip/model/ViT-L%2F14",
        f"{V1}/clip",
        f"{V1}/clip.json",
        f"{V1}/text_generation",
        f"{V1}/diffusers.json",
        f"{V2}/clip/ViT-L%2F14",
    ],
)
@pytest.mark.parametrize(
    ("revision", "status"),
    [("0", 404), ("3", 404), ("999999999999999", 404), ("9" * 30, 422), ("-1", 422), ("x", 422), ("", 422)],
)
async def test_a_revision_that_is_none_is_refused(
    world: ServedPast, path: str, revision: str, status: int
) -> None:
    answer = await world.ask(f"{path}?revision={revision}")

    assert answer.status == status
    assert "detail" in answer.json
    assert "immutable" not in answer.headers.get("Cache-Control", "")


@pytest.mark.parametrize(
    "path", [f"{V2}/clip/model/gone?revision=2", f"{V1}/text_generation?revision=2", f"{V2}/blip?revision=1"]
)
async def test_what_a_revision_does_not_have_is_not_found(world: ServedPast, path: str) -> None:
    assert (await world.ask(path)).status == 404


async def test_head_is_answered_without_a_body(world: ServedPast) -> None:
    answer = await world.ask(f"{V2}/clip?revision=1", "HEAD")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Cache-Control"] == IMMUTABLE


async def test_what_is_read_often_is_read_from_the_store_once(world: ServedPast) -> None:
    path = f"{V2}/clip?revision=1"
    first = await world.ask(path)
    assert isinstance(world.past.store, MemoryObjectStore)
    for key in [key for key in world.past.store.objects if key.startswith("blobs/")]:
        del world.past.store.objects[key]

    assert (await world.ask(path)).body == first.body
    metrics = (await world.ask("/metrics")).body.decode()
    assert 'history_cache_total{kind="answers",outcome="hit"} 1.0' in metrics


async def test_while_the_store_is_down_only_what_is_held_is_answered() -> None:
    store = FaultyStore(MemoryObjectStore())
    past = Past(store)
    for _ in range(2):
        await past.seed({"clip": OLD_CLIP})
        await past.seed({"clip": NEW_CLIP})
    async with served(past) as world:
        assert (await world.ask(f"{V2}/clip?revision=1")).status == 200
        store.down = True

        held, not_held = await world.ask(f"{V2}/clip?revision=1"), await world.ask(f"{V2}/clip?revision=2")
        store.down = False

        assert held.status == 200
        assert not_held.status == 503
        assert "Retry-After" in not_held.headers
        assert (await world.ask(f"{V2}/clip?revision=2")).status == 200
