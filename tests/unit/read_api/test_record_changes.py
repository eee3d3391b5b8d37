import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from read_api.domain.record_changes import change_steps, field_changes, fields_steps, records_value
from service_kit.slices import run_now

records = st.dictionaries(
    st.text(max_size=3), st.dictionaries(st.sampled_from("abc"), st.integers(0, 3), max_size=3), max_size=8
)


def bodies(values: dict[str, Any]) -> dict[str, bytes]:
    return {key: json.dumps(value).encode() for key, value in values.items()}


def _reordered(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether the keys of some record stand in another order, which is another text."""
    return any(json.dumps(before[key]) != json.dumps(after[key]) for key in before.keys() & after.keys())


@given(records, records)
def test_the_changes_lead_from_one_document_to_the_other(before: Any, after: Any) -> None:
    changes = run_now(change_steps(bodies(before), bodies(after)))
    told = orjson.loads(orjson.dumps(records_value(changes)))

    reached = {**before, **told["changed"], **told["added"]}
    assert {key: value for key, value in reached.items() if key not in told["removed"]} == after
    assert bool(changes) == (before != after or _reordered(before, after))


def test_blanks_are_no_change() -> None:
    assert not run_now(change_steps({"a": b'{"x": 1}'}, {"a": b'{"x":1}'}))


def test_numbers_of_different_kinds_are_a_change() -> None:
    assert run_now(change_steps({"a": b'{"x":1}'}, {"a": b'{"x":1.0}'})).changed


def test_modified_records_are_told_field_by_field() -> None:
    before = {"same": b"{}", "gone": b"{}", "edited": b'{"baseline":"a","style":"x"}'}
    after = {"same": b"{}", "edited": b'{"baseline":"b","style":"x"}', "new": b"{}"}
    changes = run_now(change_steps(before, after))

    assert run_now(fields_steps("image_generation", changes)) == {
        "added": ["new"],
        "modified": [
            {
                "name": "edited",
                "is_critical": True,
                "fields": [
                    {
                        "field_path": "baseline",
                        "old_value": "a",
                        "new_value": "b",
                        "change_type": "modified",
                    }
                ],
            }
        ],
        "removed": ("gone",),
    }


def test_a_record_that_goes_loses_every_field() -> None:
    told = field_changes("clip", b'{"name":"x","nsfw":false}', None)

    assert [one["change_type"] for one in told["fields"]] == ["removed", "removed"]
