import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from read_api.replica.seen_revisions import SeenRevisions
from registry.content import CatalogueContent
from service_kit.documents import Document, plain_document
from service_kit.errors import NotFound
from support.contents import a_content, a_record


def clips(revision: int, *names: str, padding: int = 0) -> CatalogueContent:
    records = {name: a_record("clip", name, description="x" * padding or None) for name in names}
    return a_content({"clip": records, "blip": {"b": a_record("blip", "b")}}, revision=revision)


def event(past: SeenRevisions, revision: int) -> dict[str, object]:
    text = past.event(revision).decode()
    data: dict[str, object] = json.loads(text.split("data: ", 1)[1])
    return data


@pytest.fixture
async def past() -> AsyncIterator[SeenRevisions]:
    past = SeenRevisions()
    yield past
    await past.close()


async def test_nothing_is_known_at_the_start(past: SeenRevisions) -> None:
    assert past.revision == 0
    assert past.next_after(0) is None
    assert await past.blobs(0) == {}
    assert await past.records(None) == {}
    with pytest.raises(NotFound):
        await past.blobs(1)


async def test_a_revision_is_told_with_what_changed_since_the_one_before(past: SeenRevisions) -> None:
    await past.note(clips(4, "a", "b"))
    await past.note(clips(9, "b", "c"))

    told = event(past, 9)

    assert (told["revision"], told["kind"], told["models_total"]) == (9, "replicated", 2)
    assert told["categories"] == {"clip": {"created": 1, "updated": 0, "deleted": 1}}
    assert told["models"] == [
        {"category": "clip", "model_name": "c", "operation": "create"},
        {"category": "clip", "model_name": "a", "operation": "delete"},
    ]


async def test_a_changed_record_is_told_as_one(past: SeenRevisions) -> None:
    await past.note(clips(1, "a"))
    await past.note(clips(2, "a", padding=3))

    assert event(past, 2)["categories"] == {"clip": {"created": 0, "updated": 1, "deleted": 0}}


async def test_numbers_need_not_follow_each_other(past: SeenRevisions) -> None:
    for revision in (4, 9, 12):
        await past.note(clips(revision, str(revision)))

    assert [past.next_after(number) for number in (3, 4, 5, 9, 11, 12)] == [None, 9, 9, 12, 12, None]
    assert past.revision == 12


async def test_the_documents_of_seen_revisions_can_be_compared(past: SeenRevisions) -> None:
    await past.note(clips(1, "a"))
    await past.note(clips(2, "a", "b"))

    before, after = await past.blobs(1), await past.blobs(2)

    assert before["blip"] == after["blip"]
    assert list(await past.records(before["clip"].v2)) == ["a"]
    assert list(await past.records(after["clip"].v2)) == ["a", "b"]
    with pytest.raises(NotFound):
        await past.records("0" * 64)


async def test_an_older_number_is_another_catalogue(past: SeenRevisions) -> None:
    await past.note(clips(7, "a"))
    answers = [await past.answer("key", lambda: made("before"))]
    await past.note(clips(3, "b"))
    answers.append(await past.answer("key", lambda: made("after")))

    assert past.revision == 3
    assert past.next_after(7) is None
    with pytest.raises(NotFound):
        past.event(7)
    assert [answer.identity for answer in answers] == [b"before", b"after"]


async def made(text: str) -> Document:
    await asyncio.sleep(0)
    return plain_document(text.encode())


async def test_an_answer_is_made_once() -> None:
    past = SeenRevisions()
    answers = [await past.answer("key", lambda number=number: made(str(number))) for number in (1, 2)]  # type: ignore[misc]
    await past.close()

    assert [answer.identity for answer in answers] == [b"1", b"1"]


async def test_only_so_many_revisions_are_kept() -> None:
    past = SeenRevisions(max_revisions=3)
    for revision in range(1, 6):
        await past.note(clips(revision, str(revision)))
    await past.close()

    known = [revision for revision in range(1, 6) if past.next_after(revision - 1) or revision == 3]
    assert known == [3, 4, 5]


async def test_large_revisions_are_kept_for_less_long() -> None:
    past = SeenRevisions(max_bytes=5000)
    for revision in range(1, 6):
        await past.note(clips(revision, f"model {revision}", padding=2000))
    await past.close()

    with pytest.raises(NotFound):
        past.event(2)
    assert event(past, 5)["revision"] == 5
    assert past.next_after(4) == 5
