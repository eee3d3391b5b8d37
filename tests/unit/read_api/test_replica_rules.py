"""What is taken over, and what is not."""

import pytest

from horde_model_reference.replica.errors import (
    NotOffered,
    SourceFailed,
    SourceRefused,
    SourceUnavailable,
    SourceUnusable,
)
from read_api.replica.copies import Copy, content_of_own_count, is_empty, is_same_revision
from read_api.replica.primary import told
from read_api.replica.single_documents import Settled, settled
from read_api.replica.upstream import LowerRevisions
from registry.catalogue import SideData
from support.a_clock import AClock
from support.contents import a_content, a_record

FULL, OTHER, EMPTY = b'{"a": {}}', b'{"b": {}}', b" { }\n"


@pytest.mark.parametrize(
    ("known", "found", "body", "is_problem"),
    [
        (None, None, None, False),
        (None, FULL, FULL, False),
        (None, EMPTY, EMPTY, False),
        (EMPTY, None, None, False),
        (EMPTY, FULL, FULL, False),
        (FULL, OTHER, OTHER, False),
        (FULL, EMPTY, FULL, True),
        (FULL, None, FULL, True),
    ],
)
def test_a_document_is_replaced_unless_by_nothing(
    known: bytes | None, found: bytes | None, body: bytes | None, is_problem: bool
) -> None:
    outcome = settled(known, found)

    assert outcome.body == body
    assert bool(outcome.problem) == is_problem
    assert outcome.error is None


@pytest.mark.parametrize("known", [None, FULL])
def test_a_document_that_cannot_be_had_stays(known: bytes | None) -> None:
    error = SourceUnavailable("http://secret/: refused")

    assert settled(known, error) == Settled(known, "it does not answer", error)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SourceUnavailable("http://10.0.0.1: refused"), "it does not answer"),
        (SourceRefused("http://10.0.0.1: 403", 403), "it refuses with status 403"),
        (NotOffered("http://10.0.0.1: 404", 404), "it refuses with status 404"),
        (SourceUnusable("http://10.0.0.1: <html>"), "its answer cannot be used"),
    ],
)
def test_what_is_told_to_everybody_names_no_address(error: SourceFailed, text: str) -> None:
    assert told(error) == text


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b"{}", True),
        (b" {\n\t} \r\n", True),
        (b'{"a":1}', False),
        (b"[]", False),
        (b"", False),
        (b"{", False),
    ],
)
def test_an_object_without_members_is_empty(document: bytes, expected: bool) -> None:
    assert is_empty(document) is expected


def test_an_older_revision_is_believed_after_a_while() -> None:
    clock = AClock()
    rule = LowerRevisions(patience_seconds=300, clock=clock)

    assert rule.accepts(5, 5)
    assert not rule.accepts(5, 4)
    clock.seconds += 299
    assert not rule.accepts(5, 4)
    clock.seconds += 1
    assert rule.accepts(5, 4)


def test_patience_begins_anew_when_the_revision_was_seen_again() -> None:
    clock = AClock()
    rule = LowerRevisions(patience_seconds=300, clock=clock)

    assert not rule.accepts(5, 4)
    clock.seconds += 299
    assert rule.accepts(5, 6)
    clock.seconds += 299
    assert not rule.accepts(6, 4)


def a_copy(name: str, revision: int = 4) -> Copy:
    content = a_content({"clip": {name: a_record("clip", name)}}, revision=revision)
    return Copy(content, "documents", "http://somewhere", is_numbered_here=True)


def test_the_own_count_grows_with_what_is_different_only() -> None:
    present, other = a_copy("a"), a_copy("b")

    same = content_of_own_count(present, a_copy("a").content.categories, SideData())
    different = content_of_own_count(present, other.content.categories, SideData())
    beside = content_of_own_count(present, present.content.categories, SideData(files={"x": "{}"}))
    first = content_of_own_count(None, other.content.categories, SideData())

    assert same is present.content
    assert [different.revision, beside.revision, first.revision] == [5, 5, 1]


def test_a_number_is_compared_with_those_of_the_same_primary_only() -> None:
    content = a_content({})
    theirs = Copy(content, "primary", "http://one/api", is_numbered_here=False)
    ours = Copy(content, "documents", "http://one/api", is_numbered_here=True)

    assert theirs.follows("http://one/api")
    assert not theirs.follows("http://other/api")
    assert not ours.follows("http://one/api")


def test_copies_are_the_same_by_number_and_content() -> None:
    assert is_same_revision(a_copy("a"), a_copy("a"))
    assert not is_same_revision(a_copy("a"), a_copy("a", revision=5))
    assert not is_same_revision(a_copy("a"), a_copy("b"))
