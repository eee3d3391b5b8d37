from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from registry.change_record import ChangeRecord
from support.changes import a_change, a_queue_of, a_stamp
from write_queue.domain.selection import ChangeFilter, chosen_changes
from write_queue.views.listing import changes_page

STATUSES = ("pending", "approved", "applied", "rejected", "withdrawn")
CATEGORIES = ("clip", "esrgan")
NAMES = ("Alpha", "alpine", "STRASSE", "straße", "b")

CHANGES: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.fixed_dictionaries(
        {
            "status": st.sampled_from(STATUSES),
            "category": st.sampled_from(CATEGORIES),
            "model_name": st.sampled_from(NAMES),
            "requested": st.sampled_from([a_stamp("101"), a_stamp("102")]),
            "hidden": st.booleans(),
            "batch_id": st.sampled_from([None, 1, 2]),
        }
    ),
    max_size=40,
)
FILTERS = st.builds(
    ChangeFilter,
    statuses=st.frozensets(st.sampled_from(STATUSES), max_size=2),
    categories=st.frozensets(st.sampled_from(CATEGORIES), max_size=1),
    requested_by=st.frozensets(st.sampled_from(["101", "user#102"]), max_size=1),
    model_name=st.sampled_from([None, "ALP", "ss", "b"]),
    batch_id=st.sampled_from([None, 1, 3]),
)


def is_meant(chosen: ChangeFilter, change: ChangeRecord, batch_id: int | None) -> bool:
    """Whether every criterion that is given is fulfilled, one change at a time."""
    people = {change.requested.by, change.requested.username}
    return (
        (not chosen.statuses or change.status in chosen.statuses)
        and (not chosen.categories or change.category in chosen.categories)
        and (not chosen.requested_by or bool(chosen.requested_by & people))
        and (chosen.batch_id is None or chosen.batch_id == batch_id)
        and (chosen.model_name or "").casefold() in change.model_name.casefold()
    )


@given(CHANGES, FILTERS)
def test_what_is_listed_is_what_the_filter_matches(
    fields: list[dict[str, Any]], chosen: ChangeFilter
) -> None:
    queue = a_queue_of([a_change(number, **one) for number, one in enumerate(fields, 1)], open_batch_id=3)

    listed = chosen_changes(queue, chosen)

    assert listed == [one for one in queue.visible() if is_meant(chosen, one, queue.batch_id_of(one))]


def test_ten_thousand_changes_are_listed_in_order() -> None:
    queue = a_queue_of([a_change(number) for number in range(1, 10_001)])

    page = changes_page(queue, ChangeFilter(), offset=9_990, limit=50)

    assert [item["change_id"] for item in page["items"]] == list(range(9_991, 10_001))
    assert page["total"] == 10_000
