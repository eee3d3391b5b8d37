"""States with something in every part, made up by hypothesis or in any size."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from immutables import Map

from registry.catalogue import CatalogueRef
from registry.change_record import ChangeEvent, ChangeRecord, Comment, Stamp
from registry.history_state import HistoryState, RevisionLine, Touched
from registry.queue_state import BatchRecord, QueueState
from registry.state import AnsweredKey, State
from support.contents import SEED_TIME
from support.json_values import json_records

_SHA256 = "ab" * 32
_NUMBERS = st.integers(1, 10**6)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_STAMPS = st.builds(Stamp, by=_TEXTS, username=_TEXTS, at=_NUMBERS)
_MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def maps(keys: st.SearchStrategy[Any], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Map[Any, Any]]:
    return st.dictionaries(keys, values, max_size=4).map(Map)


changes = st.builds(
    ChangeRecord,
    change_id=_NUMBERS,
    category=_TEXTS,
    model_name=_TEXTS,
    operation=st.sampled_from(["create", "update", "delete"]),
    form=st.sampled_from(["v2", "legacy"]),
    payload=json_records,
    base_revision=_NUMBERS,
    requested=_STAMPS,
    status=st.sampled_from(["pending", "approved", "applied", "rejected", "withdrawn"]),
    updated_at=_NUMBERS,
    reason=st.none() | _TEXTS,
    approved=st.none() | _STAMPS,
    request_metadata=st.none() | json_records,
    related_models=st.none() | st.lists(_TEXTS, max_size=2).map(tuple),
    comments=st.lists(st.builds(Comment, stamp=_STAMPS, text=_TEXTS), max_size=2).map(tuple),
    events=st.lists(
        st.builds(
            ChangeEvent,
            event_id=_NUMBERS,
            timestamp=_NUMBERS,
            action=_TEXTS,
            logical_user_id=_TEXTS,
            payload=json_records,
        ),
        max_size=2,
    ).map(tuple),
    hidden=st.booleans(),
)
queues = st.builds(
    QueueState,
    changes=maps(_NUMBERS, changes),
    next_change_id=_NUMBERS,
    last_batch_id=_NUMBERS,
    open_batch_id=st.none() | _NUMBERS,
    approved_ids=st.lists(_NUMBERS, max_size=4).map(tuple),
    open_by_name=maps(_TEXTS, st.lists(_NUMBERS, max_size=3).map(tuple)),
    batches=maps(_NUMBERS, st.builds(BatchRecord, batch_id=_NUMBERS, change_ids=st.just((1, 2)))),
)
revision_lines = st.builds(
    RevisionLine,
    revision=_NUMBERS,
    sequence=_NUMBERS,
    occurred_at=_MOMENTS,
    actor=_TEXTS,
    username=st.none() | _TEXTS,
    kind=st.sampled_from(["seeded", "applied", "rolled_back", "group_data_changed"]),
    change_ids=st.lists(_NUMBERS, max_size=3).map(tuple),
    touched=st.just((Touched(category="clip", model_name="a", operation="create"),)),
)
states = st.builds(
    State,
    sequence=_NUMBERS,
    head_hash=st.just(_SHA256),
    catalogue=st.none() | st.just(CatalogueRef(revision=3, categories={}, side_data=_SHA256)),
    committed_at=st.none() | _MOMENTS,
    seeded_from=st.none() | _TEXTS,
    queue=queues,
    history=st.builds(
        HistoryState,
        revisions=maps(_NUMBERS, revision_lines),
        by_model=maps(_TEXTS, st.lists(_NUMBERS, max_size=3).map(tuple)),
    ),
    answered=maps(_TEXTS, st.builds(AnsweredKey, fingerprint=_TEXTS, sequence=_NUMBERS, at=_NUMBERS)),
    next_event_id=_NUMBERS,
    event_starts=maps(_NUMBERS, _NUMBERS),
)


def a_change(change_id: int, payload_bytes: int = 100) -> ChangeRecord:
    stamp = Stamp(by="101", username="requester#101", at=1_700_000_000 + change_id)
    return ChangeRecord(
        change_id=change_id,
        category="clip",
        model_name=f"model {change_id}",
        operation="create",
        form="v2",
        payload={"name": f"model {change_id}", "description": "d" * payload_bytes},
        base_revision=1,
        requested=stamp,
        updated_at=stamp.at,
    )


def a_state(changes_count: int, *, sequence: int, payload_bytes: int = 100) -> State:
    """Return a state with this many pending changes and as many revisions."""
    numbers = range(1, changes_count + 1)
    line = RevisionLine(revision=1, sequence=1, occurred_at=SEED_TIME, actor="202", kind="applied")
    return State(
        sequence=sequence,
        head_hash=_SHA256,
        queue=QueueState(
            changes=Map({number: a_change(number, payload_bytes) for number in numbers}),
            next_change_id=changes_count + 1,
            open_by_name=Map({f"clip/model {number}": (number,) for number in numbers}),
        ),
        history=HistoryState(
            revisions=Map({number: line.model_copy(update={"revision": number}) for number in numbers}),
            by_model=Map({f"clip/model {number}": (number,) for number in numbers}),
        ),
        event_starts=Map({number: number for number in numbers}),
    )
