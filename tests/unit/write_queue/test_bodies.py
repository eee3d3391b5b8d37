import pytest
from pydantic import BaseModel, ValidationError

from service_kit.parameters import validate_body
from write_queue.bodies import ApplyManyBody, DecisionBody, NameExceptionBody, PurgeBody


def test_ids_are_counted_once_and_those_below_one_ignored() -> None:
    body = DecisionBody.model_validate(
        {
            "batch_title": " t ",
            "approved_ids": [3, 1, 3, 0, -5],
            "rejected_ids": [2, 2],
            "reject_reason": " r ",
        }
    )

    assert (body.batch_title, body.approved_ids, body.rejected_ids, body.reject_reason) == (
        "t",
        [3, 1],
        [2],
        "r",
    )


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (DecisionBody, {"batch_title": "t", "approved_ids": [0, -1]}),
        (DecisionBody, {"batch_title": "x" * 121, "approved_ids": [1]}),
        (DecisionBody, {"batch_title": "t", "approved_ids": None}),
        (DecisionBody, {"batch_title": "t", "approved_ids": list(range(1, 10_002))}),
        (ApplyManyBody, {"change_ids": [1], "job_id": "x" * 121}),
        (PurgeBody, {"dry_run": True}),
        (PurgeBody, {"model_name": "  "}),
        (PurgeBody, {"categories": ["nope"]}),
        (NameExceptionBody, {}),
    ],
)
def test_what_makes_no_sense_is_refused(body: type[BaseModel], value: object) -> None:
    with pytest.raises(ValidationError):
        body.model_validate(value)


def test_lists_of_numbers_may_be_of_any_kind_that_counts() -> None:
    assert validate_body(ApplyManyBody, {"change_ids": [2, 1.0, "3"]}).change_ids == [2, 1, 3]
