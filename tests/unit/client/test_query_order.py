import pytest

from horde_model_reference.query_fields import FieldRef, ImageFields, OrderSpec, TextFields
from support.queried_records import a_query, an_image_model, names

B = an_image_model("b", size_on_disk_bytes=5, tags=["x", "y"])
C = an_image_model("c", tags=["x"], finetune_series={"name": "Pony"})
A = an_image_model("a", size_on_disk_bytes=7, baseline="flux_1")
D = an_image_model("d", size_on_disk_bytes=5, baseline="flux_1", finetune_series={"name": "Anima"})
QUERY = a_query(B, C, A, D)


@pytest.mark.parametrize(
    ("field", "descending", "ordered"),
    [
        ("name", False, "abcd"),
        ("name", True, "dcba"),
        (ImageFields.name, True, "dcba"),
        (ImageFields.name.desc(), False, "dcba"),
        (ImageFields.name.asc(), True, "abcd"),
        (OrderSpec("name", descending=True), False, "dcba"),
        ("size_on_disk_bytes", False, "bdac"),
        ("size_on_disk_bytes", True, "abdc"),
        ("tags", False, "adcb"),
        ("finetune_series__name", False, "dcba"),
        (FieldRef("finetune_series__name"), True, "cdba"),
        ("min_bridge_version", True, "bcad"),
    ],
)
def test_records_come_in_order_with_unknown_values_last(
    field: str | FieldRef | OrderSpec, descending: bool, ordered: str
) -> None:
    assert names(QUERY.order_by(field, descending=descending).to_list()) == list(ordered)


def test_the_last_order_counts() -> None:
    assert names(QUERY.order_by("tags").order_by("name").to_list()) == list("abcd")


@pytest.mark.parametrize("field", ["no_field", TextFields.parameters_count, OrderSpec("no_field")])
def test_an_order_by_an_unknown_field_is_refused_at_once(field: str | FieldRef | OrderSpec) -> None:
    with pytest.raises(ValueError, match="has no field"):
        QUERY.order_by(field)


@pytest.mark.parametrize("field", ["config", "metadata", "model_classification"])
def test_values_without_order_are_an_error_when_the_query_runs(field: str) -> None:
    query = QUERY.order_by(field)
    with pytest.raises(ValueError, match=f"the values of '{field}' have no order"):
        query.to_list()


@pytest.mark.parametrize(
    ("offset", "limit", "found"),
    [(0, 2, "ab"), (1, 2, "bc"), (3, 9, "d"), (9, 1, ""), (0, 0, ""), (2, None, "cd"), (0, None, "abcd")],
)
def test_slices_are_cut_after_ordering(offset: int, limit: int | None, found: str) -> None:
    query = QUERY.offset(offset)
    query = query if limit is None else query.limit(limit)
    query = query.order_by("name")
    assert names(query.to_list()) == list(found)
    assert query.count() == len(found)
    assert query.first() is next(iter(query.to_list()), None)


def test_the_last_limit_and_offset_count() -> None:
    assert QUERY.limit(1).limit(3).count() == 3
    assert names(QUERY.offset(3).offset(1).to_list()) == ["c", "a", "d"]


def test_slices_apply_to_what_was_chosen() -> None:
    assert names(QUERY.limit(1).where(baseline="flux_1").to_list()) == ["a"]


@pytest.mark.parametrize("step", ["limit", "offset"])
def test_a_negative_number_of_records_is_refused(step: str) -> None:
    with pytest.raises(ValueError, match=f"{step} must not be negative: -1"):
        getattr(QUERY, step)(-1)


def test_distinct_values_come_in_the_order_of_appearance() -> None:
    assert QUERY.distinct("baseline") == ["stable_diffusion_xl", "flux_1"]
    assert QUERY.distinct(ImageFields.size_on_disk_bytes) == [5, None, 7]
    assert QUERY.distinct("tags") == [("x", "y"), ("x",), ()]
    assert QUERY.limit(1).distinct("baseline") == ["stable_diffusion_xl"]


def test_groups_hold_the_records_of_each_value() -> None:
    assert QUERY.group_by("baseline") == {"stable_diffusion_xl": [B, C], "flux_1": [A, D]}
    assert QUERY.group_by(ImageFields.tags) == {("x", "y"): [B], ("x",): [C], (): [A, D]}
    assert QUERY.group_by("finetune_series__name") == {None: [B, A], "Pony": [C], "Anima": [D]}
    assert QUERY.order_by("name").limit(3).group_by("size_on_disk_bytes") == {7: [A], 5: [B], None: [C]}


def test_a_classification_is_a_value() -> None:
    assert QUERY.distinct("model_classification") == [A.model_classification]


@pytest.mark.parametrize("field", ["config", "metadata", "finetune_series"])
def test_values_that_cannot_be_keys_are_an_error(field: str) -> None:
    with pytest.raises(ValueError, match=f"the values of '{field}' cannot be keys"):
        QUERY.group_by(field)
    with pytest.raises(ValueError, match=f"the values of '{field}' cannot be keys"):
        QUERY.distinct(field)


def test_an_unknown_field_is_no_value() -> None:
    for end in (QUERY.distinct, QUERY.group_by):
        with pytest.raises(ValueError, match="has no field 'no_field'"):
            end("no_field")
        with pytest.raises(ValueError, match="no suffix"):
            end("name__gt")
