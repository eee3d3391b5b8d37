from collections.abc import Mapping
from typing import assert_type

import pytest

from horde_model_reference.gathered_records import GatheredRecords
from horde_model_reference.model_reference_records import (
    MODEL_RECORD_TYPE_LOOKUP,
    ClipModelRecord,
    GenericModelRecord,
    ImageGenerationModelRecord,
    register_record_type,
)
from horde_model_reference.query import (
    ControlNetQuery,
    ImageGenerationQuery,
    ModelQuery,
    TextModelQuery,
    build_controlnet_query,
    build_cross_category_query,
    build_image_query,
    build_query,
    build_text_query,
    query_for,
    query_over_all,
)
from support.queried_records import (
    a_clip_model,
    a_controlnet_model,
    a_text_model,
    an_image_model,
    by_name,
    gathered,
    names,
)

OWN = an_image_model("shared", description="own")
THEIRS = an_image_model("shared", description="theirs", nsfw=True)
ALONE = an_image_model("alone")
EXTRA = an_image_model("extra")


def two_sources() -> GatheredRecords:
    return gathered("broken", horde=[OWN, ALONE], civitai=[EXTRA, THEIRS], quiet=[])


def test_the_first_source_of_a_name_wins() -> None:
    query = query_for("image_generation", two_sources())
    assert query.to_list() == [OWN, ALONE, EXTRA]
    assert query.where(name="shared").first() is OWN
    assert query.where(name="extra").first() is EXTRA
    assert query.count() == 3


def test_conditions_do_not_bring_back_what_an_earlier_source_overrides() -> None:
    query = query_for("image_generation", two_sources())
    assert query.where(nsfw=True).to_list() == []
    assert query.where(name="shared", nsfw=True).first() is None


def test_the_order_of_the_sources_decides() -> None:
    query = query_for("image_generation", gathered(civitai=[THEIRS], horde=[OWN, ALONE]))
    assert query.to_list() == [THEIRS, ALONE]
    assert query.where(name="shared").first() is THEIRS


def test_records_come_with_their_sources() -> None:
    query = query_for("image_generation", two_sources())
    assert query.to_list_with_source() == [(OWN, "horde"), (ALONE, "horde"), (EXTRA, "civitai")]
    assert query.sources() == ["horde", "horde", "civitai"]
    assert query.group_by_source() == {"horde": [OWN, ALONE], "civitai": [EXTRA]}
    assert query.order_by("name").offset(1).limit(1).to_list_with_source() == [(EXTRA, "civitai")]


def test_names_in_several_sources_are_found() -> None:
    query = query_for("image_generation", two_sources())
    assert query.duplicate_names() == {"shared": ["horde", "civitai"]}
    assert query.has_duplicate_names()
    assert query.where(name="alone").duplicate_names() == {}
    assert not query.where(name="alone").has_duplicate_names()


def test_what_became_of_each_source_is_said() -> None:
    query = query_for("image_generation", two_sources())
    assert query.source_status() == {"horde": "ok", "civitai": "ok", "quiet": "empty", "broken": "error"}
    assert query.failed_sources() == ["broken"]


def test_looking_at_one_source_shows_what_another_overrides() -> None:
    query = query_for("image_generation", two_sources())
    assert query.where_source("civitai").to_list() == [EXTRA, THEIRS]
    assert query.where_source("civitai").sources() == ["civitai", "civitai"]
    assert query.where_source("civitai").where(name="shared").first() is THEIRS
    assert query.where(nsfw=True).where_source("civitai").to_list() == [THEIRS]
    assert query.where_source("civitai", "horde").to_list() == query.to_list()
    assert query.where_source("horde").duplicate_names() == {}


def test_sources_are_conditions_that_must_all_hold() -> None:
    query = query_for("image_generation", two_sources())
    assert query.where_source("horde").where_source("civitai").to_list() == []
    assert query.where_source("nobody").count() == 0
    assert query.where_source().first() is None
    assert query.where_source("nobody").source_status() == query.source_status()


def test_nothing_gathered_makes_an_empty_query() -> None:
    query = query_for("lora", gathered(civitai=[]))
    assert query.to_list() == []
    assert query.where(name="x").first() is None
    assert query.group_by_source() == {}
    with pytest.raises(ValueError, match="LoraModelRecord has no field"):
        query.where(parameters_count=1)


def test_a_record_of_the_wrong_class_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="'civitai' gave ClipModelRecord where Image"):
        query_for("image_generation", gathered(horde=[OWN], civitai=[ALONE, a_clip_model("clip")]))


def test_records_of_a_subclass_fit() -> None:
    class Custom(ImageGenerationModelRecord):
        origin: str = "here"

    record = Custom(name="x", baseline="flux_1", nsfw=False)
    assert query_for("image_generation", gathered(civitai=[record])).to_list() == [record]


def test_keys_of_a_foreign_source_give_way_to_the_names_of_its_records() -> None:
    foreign = GatheredRecords((("civitai", {"key": OWN, "shared": THEIRS}),), {})
    query = query_for("image_generation", foreign)
    assert query.to_list() == [OWN]
    assert query.where(name="shared").first() is OWN
    assert query.where(name="key").first() is None


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("image_generation", ImageGenerationQuery),
        ("text_generation", TextModelQuery),
        ("controlnet", ControlNetQuery),
        ("clip", ModelQuery),
        ("registered", ModelQuery),
    ],
)
def test_a_category_has_its_kind_of_query_and_steps_keep_it(
    category: str, kind: type[ModelQuery[GenericModelRecord]]
) -> None:
    query = query_for(category, gathered(horde=[]))
    steps = query.where(name="x").where_source("horde").filter(bool).order_by("name").limit(1).offset(1)
    assert type(query) is kind
    assert type(steps) is kind


def test_a_registered_record_type_decides_the_valid_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODEL_RECORD_TYPE_LOOKUP, "registered", GenericModelRecord)  # undone at the end
    del MODEL_RECORD_TYPE_LOOKUP["registered"]
    assert query_for("registered", gathered(horde=[])).where(name="x").first() is None

    class RegisteredRecord(ClipModelRecord):
        colour: str = "red"

    register_record_type("registered")(RegisteredRecord)
    record = RegisteredRecord(name="x")
    query = query_for("registered", gathered(horde=[record]))
    assert query.where(colour="red").first() is record


def test_a_query_over_all_keeps_the_first_of_a_name_after_choosing() -> None:
    clip, image = a_clip_model("same"), an_image_model("same")
    query = query_over_all(
        {"clip": by_name(clip), "lora": None, "image_generation": by_name(image, ALONE), "blip": {}}
    )
    assert query.to_list() == [clip, ALONE]
    assert query.count() == 2
    assert query.where(name="same").to_list() == [clip]
    assert query.where(name="same", record_type="image_generation").first() is image
    assert query.where(record_type="image_generation").to_list() == [image, ALONE]
    assert query.order_by("name").first() is ALONE
    assert query.duplicate_names() == {"same": ["horde", "horde"]}
    assert query.sources() == ["horde", "horde"]
    assert query.where_source("horde").count() == 2
    assert query.where_source("civitai").count() == 0
    assert query.source_status() == {"horde": "ok"}


def test_a_query_over_all_knows_only_the_fields_of_all() -> None:
    query = query_over_all({"image_generation": by_name(OWN)})
    for wrong in ({"nsfw": True}, {"baseline__in": ["x"]}):
        with pytest.raises(ValueError, match="GenericModelRecord has no field"):
            query.where(**wrong)


def test_no_data_at_all_is_an_empty_query_over_all() -> None:
    query = query_over_all({"clip": None})
    assert (query.count(), query.first(), query.source_status()) == (0, None, {"horde": "empty"})


def test_a_plain_mapping_is_asked_by_the_names_of_its_records() -> None:
    clip, model = a_clip_model("clip"), an_image_model("model")
    assert build_query({"key": clip}, ClipModelRecord).where(name="clip").first() is clip
    mixed: dict[str, Mapping[str, GenericModelRecord] | None] = {"clip": {"key": clip}, "x": None}
    query = build_cross_category_query(mixed | {"image_generation": {"model": model}})
    assert names(query.to_list()) == ["clip", "model"]
    assert query.where(name="clip").first() is clip


def test_a_plain_mapping_counts_as_the_canonical_source() -> None:
    assert build_image_query({"shared": OWN}).source_status() == {"horde": "ok"}
    assert build_image_query({}).source_status() == {"horde": "empty"}
    assert build_text_query({"t": a_text_model("t")}).sources() == ["horde"]
    assert build_controlnet_query({"c": a_controlnet_model("c")}).group_by_source().keys() == {"horde"}


def test_a_plain_mapping_of_the_wrong_class_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="gave ClipModelRecord where Image"):
        build_image_query({"c": a_clip_model("c")})  # type: ignore[dict-item]


def test_type_checkers_know_the_class_of_the_records() -> None:
    query = build_image_query({"shared": OWN})
    steps = query.where(name="shared").exclude_nsfw().order_by("name").limit(1)
    assert_type(steps, ImageGenerationQuery)
    assert_type(steps.first(), ImageGenerationModelRecord | None)
    assert_type(steps.group_by_source(), dict[str, list[ImageGenerationModelRecord]])
    general: ModelQuery[GenericModelRecord] = query
    assert general.filter(lambda record: record.name == "shared").count() == 1
    assert_type(build_query({"c": a_clip_model("c")}, ClipModelRecord).first(), ClipModelRecord | None)
