from registry.queue_state import BatchRecord
from support.changes import a_change, a_queue_of, a_stamp, an_event
from write_queue.views.audit_view import batch_summary, batches_page, find_batch, pending_value


def test_a_summary_counts_and_names_the_first_decision() -> None:
    queue = a_queue_of(
        [
            a_change(
                1,
                status="applied",
                approved=a_stamp("202", 300),
                applied=a_stamp("203", 500),
                batch_id=1,
                batch_title="late",
            ),
            a_change(
                2,
                status="applied",
                approved=a_stamp("204", 250),
                applied=a_stamp("203", 400),
                batch_id=1,
                batch_title="early",
            ),
            a_change(3, status="rejected", rejected=a_stamp(), batch_id=1, events=(an_event(9, "reject"),)),
            a_change(4, status="approved", approved=a_stamp("202", 301), hidden=True, batch_id=1),
        ],
    )

    summary = batch_summary(queue, BatchRecord(batch_id=1, change_ids=(4, 3, 2, 1)))

    assert summary == {
        "batch_id": 1,
        "batch_title": "early",
        "approved_by": "204",
        "approved_at": 250,
        "applied_at": 500,
        "approved_change_count": 3,
        "rejected_change_count": 1,
        "applied_change_count": 2,
        "total_change_count": 4,
        "last_event_id": 9,
    }


def test_a_batch_that_was_left_by_all_is_no_batch() -> None:
    queue = a_queue_of([a_change(1)], batches=[BatchRecord(batch_id=1, change_ids=())])

    assert find_batch(queue, 1) is None
    assert find_batch(queue, 2) is None
    assert batches_page(queue, limit=10, cursor=None) == ([], None)


def test_the_last_page_has_no_cursor() -> None:
    changes = [a_change(n, status="applied", approved=a_stamp(), batch_id=n) for n in (1, 2, 3)]
    queue = a_queue_of(changes, batches=[BatchRecord(batch_id=n, change_ids=(n,)) for n in (1, 2, 3)])

    def page(limit: int, cursor: int | None) -> tuple[list[int], int | None]:
        found, following = batches_page(queue, limit=limit, cursor=cursor)
        return [batch["batch_id"] for batch in found], following

    assert page(2, None) == ([3, 2], 2)
    assert page(2, 2) == ([1], None)
    assert page(3, None) == ([3, 2, 1], None)
    assert page(1, 10**30) == ([3], 3)
    assert page(1, 1) == ([], None)


def test_hidden_changes_do_not_wait() -> None:
    queue = a_queue_of([a_change(1), a_change(2, hidden=True), a_change(3, status="approved"), a_change(4)])

    assert [change["change_id"] for change in pending_value(queue)] == [4, 1]
