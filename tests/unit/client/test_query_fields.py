import operator
from collections.abc import Callable

import pytest

from horde_model_reference import query_fields
from horde_model_reference.model_reference_records import (
    GenericModelRecord,
    get_record_type_for_category,
)
from horde_model_reference.query_fields import (
    FieldRef,
    GenericFields,
    ImageFields,
    OrderSpec,
    Predicate,
    TextFields,
    false,
    true,
)
from support.queried_records import a_clip_model, a_query, a_text_model, an_image_model, by_name, names

CATEGORIES_OF_FIELDS = {
    "AudioFields": "audio_generation",
    "BlipFields": "blip",
    "ClipFields": "clip",
    "CodeformerFields": "codeformer",
    "ControlNetFields": "controlnet",
    "EsrganFields": "esrgan",
    "GfpganFields": "gfpgan",
    "ImageFields": "image_generation",
    "MiscellaneousFields": "miscellaneous",
    "SafetyCheckerFields": "safety_checker",
    "TextFields": "text_generation",
    "VideoFields": "video_generation",
}
SMALL = an_image_model("small", size_on_disk_bytes=1, min_bridge_version=1, tags=["anime"], inpainting=None)
LARGE = an_image_model("large", size_on_disk_bytes=9, min_bridge_version=4, nsfw=True, baseline="flux_1")
UNKNOWN = an_image_model("unknown", style="anime", inpainting=True, finetune_series={"name": "Pony"})
QUERY = a_query(SMALL, LARGE, UNKNOWN)
size = ImageFields.size_on_disk_bytes
series_name = FieldRef("finetune_series__name")


def fields_of(fields: type[object]) -> dict[str, FieldRef]:
    found = {name: getattr(fields, name) for name in dir(fields) if not name.startswith("_")}
    return {name: field for name, field in found.items() if isinstance(field, FieldRef)}


@pytest.mark.parametrize(
    ("predicate", "found"),
    [
        (ImageFields.nsfw == false(), ["small", "unknown"]),
        (ImageFields.nsfw == false, ["small", "unknown"]),
        (ImageFields.nsfw != false, ["large"]),
        (ImageFields.nsfw == true(), ["large"]),
        (ImageFields.nsfw == true, ["large"]),
        (ImageFields.nsfw.is_in([true]), ["large"]),
        (ImageFields.inpainting.is_true(), ["unknown"]),
        (ImageFields.inpainting.is_false(), ["large"]),
        (size == None, ["unknown"]),  # noqa: E711
        (size != None, ["small", "large"]),  # noqa: E711
        (size != 1, ["large", "unknown"]),
        (size < 9, ["small"]),
        (size <= 9, ["small", "large"]),
        (size > 1, ["large"]),
        (size >= 1, ["small", "large"]),
        (size.is_none(), ["unknown"]),
        (size.is_not_none(), ["small", "large"]),
        (size.is_in({1, None}), ["small", "unknown"]),
        (size.is_in([]), []),
        (ImageFields.tags == ["anime"], ["small"]),
        (ImageFields.tags.is_in([["anime"]]), ["small"]),
        (ImageFields.tags.contains("anime"), ["small"]),
        (ImageFields.name.contains("small"), []),
        (size > ImageFields.min_bridge_version, ["large"]),
        (size == ImageFields.min_bridge_version, ["small", "unknown"]),
        (size != ImageFields.min_bridge_version, ["large"]),
        (ImageFields.name == "small", ["small"]),
        (series_name == "Pony", ["unknown"]),
        (series_name != "other", ["unknown"]),
        (series_name.is_none(), []),
        (series_name != ImageFields.name, ["unknown"]),
        (ImageFields.name != series_name, ["unknown"]),
        (~series_name.is_not_none(), ["small", "large"]),
        (~(ImageFields.nsfw == true), ["small", "unknown"]),
        ((ImageFields.nsfw == false) & size.is_none(), ["unknown"]),
        ((ImageFields.nsfw == true) | (size == 1), ["small", "large"]),
        ((size == 1) | (lambda record: record.nsfw), ["small", "large"]),
        ((size >= 1) & (lambda record: record.nsfw), ["large"]),
    ],
)
def test_a_comparison_of_a_field_keeps_the_records_that_fit(predicate: Predicate, found: list[str]) -> None:
    assert names(QUERY.where(predicate).to_list()) == found
    assert [record.name for record in (SMALL, LARGE, UNKNOWN) if predicate(record)] == found


@pytest.mark.parametrize(
    "predicate",
    [
        TextFields.parameters_count > 5,
        (ImageFields.nsfw == false) & ~(TextFields.parameters_count > 5),
        ImageFields.name == TextFields.display_name,
    ],
)
def test_a_predicate_about_a_field_that_records_lack_is_refused_at_once(predicate: Predicate) -> None:
    with pytest.raises(ValueError, match="ImageGenerationModelRecord has no field"):
        QUERY.where(predicate)


def test_values_that_have_no_order_are_an_error_when_the_query_runs() -> None:
    with pytest.raises(ValueError, match="1 and 'x' cannot be compared"):
        QUERY.where(size < "x").to_list()


def test_a_text_is_no_collection_of_values() -> None:
    with pytest.raises(ValueError, match="not the text 'abc'"):
        ImageFields.name.is_in("abc")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: (size > 1) and (size < 9),
        lambda: (size > 1) or (size < 9),
        lambda: 1 < size < 9,
        lambda: not (size > 1),
        lambda: size in ("size_on_disk_bytes", "name"),
    ],
)
def test_a_condition_that_would_get_lost_is_an_error(wrong: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match="combine predicates with &"):
        wrong()


def test_fields_are_members_of_sets_and_keys_of_mappings() -> None:
    weights = {ImageFields.name: 1, ImageFields.nsfw: 2}
    assert weights[FieldRef("name")] == 1
    assert FieldRef("style") not in weights
    assert len({FieldRef("name"), GenericFields.name, ImageFields.name, FieldRef("version")}) == 2
    assert [ImageFields.name, ImageFields.nsfw].index(FieldRef("nsfw")) == 1


def test_a_field_says_its_name() -> None:
    assert ImageFields.nsfw.field_name == "nsfw"
    assert series_name.field_name == "finetune_series__name"
    assert repr(ImageFields.nsfw) == "FieldRef('nsfw')"


def test_a_field_makes_orders() -> None:
    assert size.asc() == OrderSpec("size_on_disk_bytes")
    assert size.desc() == OrderSpec("size_on_disk_bytes", descending=True)


def test_a_predicate_of_any_function_tests_records() -> None:
    predicate = Predicate(lambda record: record.parameters_count)
    assert predicate(a_text_model()) is True
    assert (~predicate)(a_text_model()) is False


@pytest.mark.parametrize("name", sorted(CATEGORIES_OF_FIELDS))
def test_fields_are_those_of_the_records(name: str) -> None:
    fields = fields_of(getattr(query_fields, name))
    record_type = get_record_type_for_category(CATEGORIES_OF_FIELDS[name])
    assert fields.keys() == record_type.model_fields.keys()
    assert {field.field_name: name for name, field in fields.items()} == {name: name for name in fields}


def test_generic_fields_are_those_of_all_records() -> None:
    assert fields_of(GenericFields).keys() == GenericModelRecord.model_fields.keys()


def test_true_and_false_say_what_they_mean() -> None:
    assert (true(), false()) == (True, False)


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
def test_an_unknown_value_has_no_order(compare: Callable[[FieldRef, object], Predicate]) -> None:
    records = by_name(a_clip_model())
    assert not any(compare(GenericFields.size_on_disk_bytes, 1)(record) for record in records.values())
    assert not any(compare(GenericFields.name, GenericFields.version)(record) for record in records.values())
