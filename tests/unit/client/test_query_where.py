from enum import StrEnum

import pytest

from horde_model_reference.meta_consts import KNOWN_IMAGE_GENERATION_BASELINE, ModelClassification
from horde_model_reference.model_reference_records import GenericModelRecord, LoraModelRecord
from horde_model_reference.query import build_query, build_text_query
from horde_model_reference.query_fields import FieldRef, ImageFields, false, true
from support.queried_records import a_query, a_text_model, an_image_model, names

SMALL = an_image_model("small", size_on_disk_bytes=1, tags=["anime"], requirements={"min_steps": 4})
LARGE = an_image_model("large", size_on_disk_bytes=9, nsfw=True, baseline="flux_1")
UNKNOWN = an_image_model("unknown", finetune_series={"name": "Pony"}, style="anime")
QUERY = a_query(SMALL, LARGE, UNKNOWN)


@pytest.mark.parametrize(
    ("field", "wanted", "found"),
    [
        ("nsfw", False, ["small", "unknown"]),
        ("nsfw", false, ["small", "unknown"]),
        ("nsfw", true, ["large"]),
        ("baseline", KNOWN_IMAGE_GENERATION_BASELINE.flux_1, ["large"]),
        ("name", "large", ["large"]),
        ("name", "no such", []),
        ("name", ["unknown", "large"], ["large", "unknown"]),
        ("name", iter(["small"]), ["small"]),
        ("name", [], []),
        ("style", None, ["small", "large"]),
        ("style", ["anime", None], ["small", "large", "unknown"]),
        ("nsfw", [true], ["large"]),
        ("tags", [["anime"]], ["small"]),
        ("tags", {"anime"}, []),
        ("tags", "anime", []),
        ("size_on_disk_bytes__lt", 9, ["small"]),
        ("size_on_disk_bytes__lte", 9, ["small", "large"]),
        ("size_on_disk_bytes__gt", 1, ["large"]),
        ("size_on_disk_bytes__gte", 1, ["small", "large"]),
        ("size_on_disk_bytes__gte", None, []),
        ("size_on_disk_bytes__ne", 1, ["large"]),
        ("size_on_disk_bytes__ne", None, ["small", "large"]),
        ("style__in", ["anime", None], ["unknown"]),
        ("style__in", None, []),
        ("baseline__in", (name for name in ("flux_1", "infer")), ["large"]),
        ("tags__in", [["anime"], []], ["small", "large", "unknown"]),
        ("tags__contains", "anime", ["small"]),
        ("name__contains", "small", []),
        ("style__contains", None, []),
        ("requirements__contains", "min_steps", ["small"]),
        ("model_classification__domain", "image", ["small", "large", "unknown"]),
        ("model_classification__domain__ne", "image", []),
        ("model_classification__domain__value", "image", ["small", "large", "unknown"]),
        ("model_classification", SMALL.model_classification, ["small", "large", "unknown"]),
        ("finetune_series__name", "Pony", ["unknown"]),
        ("finetune_series__name", None, []),
        ("finetune_series__version", None, ["unknown"]),
        ("finetune_series__name__ne", "other", ["unknown"]),
        ("finetune_series__name__in", ["Pony"], ["unknown"]),
        ("requirements__min_steps__gte", 4, ["small"]),
        ("requirements__max_steps", 4, []),
        ("requirements__max_steps__more", 4, []),
        ("primary", None, None),
        ("baseline", FieldRef("name"), []),
        ("name__in", ImageFields.tags, []),
        ("style__in", ImageFields.style, None),
    ],
)
def test_a_keyword_keeps_the_records_that_fit(field: str, wanted: object, found: list[str] | None) -> None:
    if found is None:
        with pytest.raises(ValueError, match=r"has no field|membership needs several values"):
            QUERY.where(**{field: wanted}).to_list()
    else:
        query = QUERY.where(**{field: wanted})
        assert names(query.to_list()) == found
        assert names(query.to_list()) == found, "a query can be run again"


def test_all_conditions_must_hold() -> None:
    query = QUERY.where(ImageFields.nsfw == false, ImageFields.style.is_none(), size_on_disk_bytes=1)
    assert names(query.where(name="small").to_list()) == ["small"]
    assert query.where(name="large").first() is None
    assert query.where(name="small").where(name="large").first() is None
    assert QUERY.where(name="small", baseline="flux_1").count() == 0


def test_no_conditions_keep_all() -> None:
    assert QUERY.where().to_list() == QUERY.to_list()


@pytest.mark.parametrize("field", ["no_field", "lt", "tags_", "model_dump", "parameters__gt"])
def test_an_unknown_field_is_refused_at_once_with_the_valid_ones(field: str) -> None:
    with pytest.raises(ValueError, match=r"has no field .*; it has baseline, .* nsfw, "):
        QUERY.where(**{field: 1})


def test_an_unknown_field_as_a_value_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="has no field 'parameters_count'"):
        QUERY.where(name=FieldRef("parameters_count"))


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("name__bogus", 1),
        ("name__startswith", "s"),
        ("name__in", "small"),
        ("name__in", 5),
        ("name__lt", 5),
        ("tags__gt", 1),
        ("model_classification__no_field", "image"),
        ("finetune_series__no_field", "Pony"),
        ("baseline__gt__lt", 3),
    ],
)
def test_what_no_record_can_answer_is_an_error_when_the_query_runs(field: str, wanted: object) -> None:
    query = QUERY.where(**{field: wanted})
    with pytest.raises(ValueError, match=r"no suffix|membership needs|cannot be compared"):
        query.to_list()


def test_an_error_of_a_record_that_is_not_asked_does_not_appear() -> None:
    assert QUERY.where(name="no such", name__bogus=1).to_list() == []


def test_a_pydantic_model_as_value_means_equality() -> None:
    other = ModelClassification.model_validate({"domain": "text", "purpose": "generation"})
    assert QUERY.where(model_classification=other).count() == 0


def test_text_models_are_asked_by_the_python_names_of_their_fields() -> None:
    query = build_text_query({"a": a_text_model("a", parameters=5)})
    assert query.where(parameters_count=5).count() == 1
    with pytest.raises(ValueError, match="has no field 'parameters'"):
        query.where(parameters=5)


def test_a_text_enum_finds_a_name() -> None:
    class Name(StrEnum):
        chosen = "small"

    assert QUERY.where(name=Name.chosen).first() is SMALL


def test_a_function_is_a_condition() -> None:
    query = QUERY.where(lambda record: record.nsfw).filter(lambda record: record.baseline == "flux_1")
    assert names(query.to_list()) == ["large"]


@pytest.mark.parametrize("wrong", [True, None, "nsfw", ImageFields.nsfw])
def test_what_is_no_function_is_no_condition(wrong: object) -> None:
    with pytest.raises(TypeError, match="a condition must be"):
        QUERY.where(wrong)  # type: ignore[arg-type]


def test_what_a_function_raises_comes_out() -> None:
    def fail(record: GenericModelRecord) -> bool:
        raise KeyError(record.name)

    with pytest.raises(KeyError, match="small"):
        QUERY.filter(fail).first()


def test_a_classification_is_asked_in_its_parts() -> None:
    assert QUERY.where_classification().count() == 3
    assert QUERY.where_classification(domain="image").count() == 3
    assert QUERY.where_classification(domain="image", purpose="miscellaneous").count() == 0


def test_fields_of_a_subclass_are_valid_where_the_subclass_is_asked() -> None:
    class WithOrigin(LoraModelRecord):
        origin: str | None = None

    records = {"a": WithOrigin(name="a", origin="civitai"), "b": WithOrigin(name="b")}
    assert names(build_query(records, WithOrigin).where(origin="civitai").to_list()) == ["a"]
    with pytest.raises(ValueError, match="LoraModelRecord has no field 'origin'"):
        build_query(records, LoraModelRecord).where(origin="civitai")


def test_steps_leave_the_query_before_as_it_is() -> None:
    steps = QUERY.exclude_nsfw().where(baseline="stable_diffusion_xl").order_by("name").offset(1).limit(1)
    assert names(steps.to_list()) == ["unknown"]
    assert names(QUERY.to_list()) == ["small", "large", "unknown"]


def test_a_query_is_no_container() -> None:
    with pytest.raises(TypeError, match="not iterable"):
        iter(QUERY)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"has no len\(\)"):
        len(QUERY)  # type: ignore[arg-type]
