from horde_model_reference.documents import Record
from support.changes import a_change, a_queue_of
from write_queue.views.beta_view import beta_records


def shown(_category: str, _form: str, _name: str, payload: Record) -> Record | None:
    return None if payload.get("broken") else payload


def test_the_change_touched_last_counts() -> None:
    queue = a_queue_of(
        [
            a_change(1, model_name="m", payload={"v": 1}, updated_at=300),
            a_change(2, model_name="m", payload={"v": 2}, updated_at=200),
            a_change(3, model_name="n", payload={"v": 3}, status="approved"),
            a_change(4, model_name="n", payload={"v": 4}),
            a_change(5, model_name="n", operation="delete", updated_at=900),
            a_change(6, model_name="gone", operation="delete"),
            a_change(7, model_name="other", category="clip2", payload={"v": 7}),
        ]
    )

    assert beta_records(queue, "clip", shown) == {"m": {"v": 1}, "n": {"v": 4}}


def test_a_payload_that_cannot_be_shown_hides_no_other() -> None:
    queue = a_queue_of(
        [
            a_change(1, model_name="bad", payload={"broken": True}),
            a_change(2, model_name="good", payload={"v": 2}),
            a_change(3, model_name="rejected", status="rejected"),
        ]
    )

    assert beta_records(queue, "clip", shown) == {"good": {"v": 2}}
