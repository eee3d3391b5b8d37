from support.changes import a_change
from write_queue.views.net_changes import Span, net_changes_value, spans_of


def test_a_model_spans_from_before_its_first_change_to_after_its_last() -> None:
    changes = [
        a_change(1, model_name="b", applied_revision=7),
        a_change(2, model_name="a", applied_revision=5),
        a_change(3, model_name="b", applied_revision=6),
        a_change(4, model_name="c"),
    ]

    assert spans_of(changes) == [Span("clip", "a", 4, 5), Span("clip", "b", 5, 7)]


def test_sums_follow_from_the_models() -> None:
    span = Span("clip", "m", 1, 2)
    one, two = {"name": "m", "nsfw": False}, {"name": "m", "nsfw": True}

    value = net_changes_value(
        [(span, None, one), (span, one, two), (span, two, None), (span, one, one), (span, None, None)]
    )

    assert [change["net_operation"] for change in value["model_changes"]] == [
        "added",
        "modified",
        "deleted",
        "unchanged",
        "unchanged",
    ]
    assert (value["models_added"], value["models_modified"], value["models_deleted"]) == (1, 1, 1)
    assert (value["models_unchanged"], value["total_field_changes"]) == (2, 5)
    assert value["has_critical_changes"] is True
