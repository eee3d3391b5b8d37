"""Changes lead to what the whole document says, whatever the keys and the names."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from horde_model_reference.replica.catalogue import changed_entry, entry_of
from horde_model_reference.replica.primary_answers import CategoryChanges

NAMES = st.sampled_from(["a", "b", "c"])
RECORDS = st.fixed_dictionaries(
    {"name": st.one_of(NAMES, st.just(7)), "description": st.sampled_from(["one", "two"])}
)
DOCUMENTS = st.dictionaries(NAMES, RECORDS, max_size=3).map(lambda found: {"z": {"name": "z"}, **found})


def difference(before: dict[str, Any], after: dict[str, Any]) -> CategoryChanges:
    return CategoryChanges(
        {key: record for key, record in after.items() if key not in before},
        {key: record for key, record in after.items() if key in before and before[key] != record},
        tuple(key for key in before if key not in after),
    )


@given(before=DOCUMENTS, after=DOCUMENTS)
def test_changing_gives_what_building_anew_gives(before: dict[str, Any], after: dict[str, Any]) -> None:
    old = entry_of("clip", json.dumps(before).encode(), before, origin="primary", stored=True)
    changed = changed_entry("clip", old, difference(before, after))
    whole = entry_of("clip", b"{}", changed.raw.value(), origin="primary")
    assert changed.raw.value() == after
    assert changed.records == whole.records
    assert changed.names == whole.names
    assert changed.records["z"] is old.records["z"]
    assert (changed.stored, changed.etag, changed.saved_at) == (False, None, None)


def test_changed_records_keep_their_places() -> None:
    value = {name: {"name": name, "description": "one"} for name in "abc"}
    old = entry_of("clip", json.dumps(value).encode(), value, origin="primary")
    changed = changed_entry("clip", old, CategoryChanges({}, {"a": {"name": "a"}}, ()))
    assert list(changed.records) == ["a", "b", "c"]
