"""Which entries everybody may read."""

import pytest

from registry.bodies import Applied, AppliedChange, Proposed, ProposedChange
from registry.draft import Draft
from registry.entries import Answer, Entry
from registry.history_state import Touched
from registry.public_entries import is_public
from registry.state import State
from support.journals import a_draft
from support.signing import SOME_CATALOGUE, made_entry

TOUCHED = Touched(category="clip", model_name="m", operation="create")
APPLIED = Applied(changes=(AppliedChange(change_id=1, job_id="j", touched=TOUCHED),))


def applied(answer: object) -> Entry:
    draft = Draft(actor="1", kind="applied", body=APPLIED, catalogue=SOME_CATALOGUE)
    return made_entry(draft, State()).model_copy(update={"answer": Answer(status=200, body=answer)})


@pytest.mark.parametrize(
    "answer",
    [
        {"record": 1, "batch_split_occurred": False},
        {"applied": [1, 2], "batch_split_occurred": True, "batch_split_new_batch_id": 3},
    ],
)
def test_an_answer_that_names_changes_by_number_is_for_everybody(answer: object) -> None:
    assert is_public(applied(answer))


@pytest.mark.parametrize(
    "answer",
    [{"record": {"reason": "x"}}, {"applied": [{"payload": {}}]}, {"applied": ["x"]}, {"x": "y"}, "x", None],
)
def test_an_answer_that_says_more_is_not(answer: object) -> None:
    assert not is_public(applied(answer))


def test_other_entries_that_make_a_revision_are_for_everybody() -> None:
    entry = made_entry(a_draft(SOME_CATALOGUE), State())
    assert is_public(entry)
    assert is_public(entry.model_copy(update={"answer": Answer(status=200, body={"canonical": "a"})}))
    assert is_public(applied(None).model_copy(update={"answer": None}))


def test_an_entry_that_makes_no_revision_is_not() -> None:
    change = ProposedChange(
        category="clip", model_name="m", operation="create", form="v2", payload={}, base_revision=0
    )
    assert not is_public(
        made_entry(Draft(actor="1", kind="proposed", body=Proposed(changes=(change,))), State())
    )
    assert not is_public(made_entry(a_draft(), State()))
