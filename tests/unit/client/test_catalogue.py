"""The moments of a replica, and the steps between them."""

import json
from typing import Any

import pytest

from horde_model_reference.replica.catalogue import (
    NOTHING,
    Catalogue,
    Entry,
    changed_entry,
    differing,
    entry_of,
    rebuilt,
)
from horde_model_reference.replica.errors import SourceUnusable
from horde_model_reference.replica.primary_answers import CategoryChanges, Changes
from horde_model_reference.replica.raw_document import RawDocument


def a_clip(name: str, description: str = "one") -> dict[str, Any]:
    return {"name": name, "record_type": "clip", "description": description}


def an_entry(*names: str, anchored: bool = True) -> Entry:
    value = {name: a_clip(name) for name in names}
    return entry_of(
        "clip", json.dumps(value).encode(), value, origin="primary", etag='"1"', anchored=anchored
    )


def some_changes(since: int = 1, to: int = 2, **clip: dict[str, Any]) -> Changes:
    return Changes(since, to, {"clip": CategoryChanges({}, clip, ())})


def test_changes_reach_only_what_is_anchored() -> None:
    before = Catalogue({"clip": an_entry("a", anchored=False)}, 1)
    after = before.advanced(some_changes(a=a_clip("a", "two")))
    assert after.entries["clip"] is before.entries["clip"]
    assert after.revision == 2


def test_changes_replace_the_record_and_leave_the_old_catalogue_as_it_was() -> None:
    before = Catalogue({"clip": an_entry("a", "b")}, 1)
    after = before.advanced(some_changes(a=a_clip("a", "two")))
    assert after.entries["clip"].records["a"].description == "two"
    assert before.entries["clip"].records["a"].description == "one"
    assert after.entries["clip"].records["b"] is before.entries["clip"].records["b"]
    assert after.entries["clip"].etag is None, "the bytes are not those of the service any more"
    assert not after.entries["clip"].stored


@pytest.mark.parametrize(("since", "to"), [(2, 3), (1, 0)])
def test_changes_that_do_not_fit_are_refused(since: int, to: int) -> None:
    with pytest.raises(SourceUnusable):
        Catalogue({"clip": an_entry("a")}, 1).advanced(some_changes(since, to))


def test_a_changed_record_that_is_not_valid_any_more_is_gone() -> None:
    after = changed_entry("clip", an_entry("a", "b"), CategoryChanges({}, {"a": {"name": []}}, ()))
    assert set(after.records) == {"b"}
    assert set(after.raw.value()) == {"a", "b"}


def test_a_document_without_a_valid_record_is_refused_and_an_empty_one_is_not() -> None:
    with pytest.raises(SourceUnusable):
        entry_of("clip", b"{}", {"a": {"name": []}}, origin="primary")
    assert entry_of("clip", b"{}", {}, origin="primary").records == {}


def test_without_anchors_nothing_is_lost_but_the_revision() -> None:
    loose = Catalogue({"clip": an_entry("a")}, 5).without_anchors()
    assert loose.revision is None
    assert loose.anchored == frozenset()
    assert set(loose.entries["clip"].records) == {"a"}


def test_rebuilding_gives_fresh_records() -> None:
    entry = an_entry("a")
    entry.records["a"].description = "scribbled on"
    assert rebuilt("clip", entry).records["a"].description == "one"


def test_only_what_differs_is_named() -> None:
    same, first, second = an_entry("a"), an_entry("b"), an_entry("c")
    before = NOTHING.with_entries({"clip": same, "blip": first}, 1)
    after = before.with_entries({"blip": second, "esrgan": first}, 2)
    assert differing(before, after) == ["blip", "esrgan"]


def test_equal_bytes_are_no_difference() -> None:
    before = NOTHING.with_entries({"clip": an_entry("a")}, 1)
    assert differing(before, before.with_entries({"clip": an_entry("a")}, 2)) == []


def test_working_changes_in_gives_the_same_value_without_changes() -> None:
    raw = RawDocument(json.dumps({"a": a_clip("a"), "b": a_clip("b")}).encode())
    changed = raw.changed_by(CategoryChanges({"c": a_clip("c")}, {"a": a_clip("a", "two")}, ("b",)))
    assert changed.value() == {"a": a_clip("a", "two"), "c": a_clip("c")}
    assert changed.rendered().value() == changed.value()
    assert changed.rendered().changes == ()


def test_whoever_changes_a_value_changes_no_later_one() -> None:
    raw = RawDocument(b"{}").changed_by(CategoryChanges({"c": a_clip("c")}, {}, ()))
    raw.value()["c"]["description"] = "scribbled on"
    assert raw.value()["c"]["description"] == "one"
