"""The judge of the load runs: it must be able to say no."""

import gzip
import hashlib
import json
from typing import Any

import brotli  # type: ignore[import-untyped] # it ships without types
import pytest

from load.evidence import Evidence, Unpacker, unpacked
from load.targets import CLIP, V2, Target
from load.truth import Comparison, NoTruth, Truth

RECORDS = {"a": {"name": "a", "nsfw": True}, "b": {"name": "b", "nsfw": False}}
DOCUMENT = Target("v2", f"{V2}/clip", 1, CLIP)
LEGACY = Target("v1", "/api/model_references/v1/clip.json", 1, CLIP)
RECORD = Target("record", f"{V2}/clip/model/a", 1, CLIP, "a")
SEARCH = Target("search", f"{V2}/clip/search?nsfw=true", 1, CLIP, condition={"nsfw": True})
TARGETS = {target.path: target for target in (DOCUMENT, LEGACY, RECORD, SEARCH)}


def body_of(value: Any) -> bytes:
    return json.dumps(value).encode()


def digest_of(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


async def compared(
    target: Target, body: bytes, *, revision: int = 7, past: bytes | None = None
) -> Comparison:
    """Compare one answer with a journal whose revision 7 has the records above."""
    evidence = Evidence()
    digest = Unpacker().digest(body, "", evidence)
    evidence.note(target.path, revision, digest)
    answers = {
        f"{V2}/revisions/7/entry": body_of(
            {
                "catalogue": {
                    "categories": {
                        "clip": {"v2": digest_of(body_of(RECORDS)), "legacy": digest_of(b"legacy")}
                    }
                }
            }
        ),
        f"{V2}/clip?revision=7": body_of(RECORDS) if past is None else past,
    }

    async def fetch(path: str) -> bytes:
        if path not in answers:
            raise NoTruth(path)
        return answers[path]

    return await Truth(fetch).compare(evidence, TARGETS)


@pytest.mark.parametrize(
    ("target", "right", "wrong"),
    [
        (DOCUMENT, body_of(RECORDS), body_of({"a": RECORDS["a"]})),
        (LEGACY, b"legacy", b"legacy "),
        (RECORD, body_of(RECORDS["a"]), body_of({"name": "a", "nsfw": False})),
        (
            SEARCH,
            body_of({"results": [RECORDS["a"]], "total": 1}),
            body_of({"results": [RECORDS["b"]], "total": 1}),
        ),
        (
            SEARCH,
            body_of({"results": [RECORDS["a"]], "total": 1}),
            body_of({"results": [RECORDS["a"]], "total": 2}),
        ),
    ],
)
async def test_answer_that_is_not_of_its_revision_is_told(target: Target, right: bytes, wrong: bytes) -> None:
    assert (await compared(target, right)).problems == []
    assert len((await compared(target, wrong)).problems) == 1


async def test_answers_are_counted() -> None:
    evidence = Evidence()
    evidence.note(LEGACY.path, 7, digest_of(b"legacy"), 3)

    async def fetch(_: str) -> bytes:
        return body_of({"catalogue": {"categories": {"clip": {"legacy": digest_of(b"legacy"), "v2": ""}}}})

    outcome = await Truth(fetch).compare(evidence, TARGETS)
    assert (outcome.answers, outcome.different) == (3, 1)


async def test_past_document_that_the_journal_does_not_vouch_for_is_no_truth() -> None:
    with pytest.raises(NoTruth):
        await compared(RECORD, body_of(RECORDS["a"]), past=body_of({"a": RECORDS["a"]}))


async def test_revision_that_nobody_knows_is_no_truth() -> None:
    with pytest.raises(NoTruth):
        await compared(LEGACY, b"legacy", revision=8)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [("", b"text"), ("gzip", gzip.compress(b"text", mtime=0)), ("br", brotli.compress(b"text"))],
)
def test_body_is_the_same_in_every_coding(coding: str, packed: bytes) -> None:
    assert Unpacker().digest(packed, coding, Evidence()) == digest_of(b"text")


@pytest.mark.parametrize(("coding", "body"), [("gzip", b"text"), ("br", b"\xff\xff"), ("zstd", b"text")])
def test_body_that_is_not_in_its_coding_is_refused(coding: str, body: bytes) -> None:
    with pytest.raises(ValueError, match=coding):
        unpacked(body, coding)


def test_evidence_of_two_processes_is_put_together() -> None:
    first, second = Evidence(), Evidence()
    first.note("/p", 1, "x")
    second.note("/p", 1, "x", 2)
    second.note("/p", 1, "y")
    second.keep("y", b"body")
    second.problem("bad")
    first.add(Evidence.parse(json.loads(json.dumps(second.render()))))
    assert first.seen == {("/p", 1): {"x": 3, "y": 1}}
    assert (first.answers, first.bodies, first.problems) == (4, {"y": b"body"}, ["bad"])
