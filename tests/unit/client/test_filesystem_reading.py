import logging
from pathlib import Path

import pytest

from horde_model_reference.meta_consts import (
    MODEL_REFERENCE_CATEGORY,
    CanonicalFormat,
    ReplicateMode,
    get_all_registered_categories,
)
from support.model_records import a_legacy_image, canonical_file
from support.programs import assert_silent_success, ran
from support.reference_folders import (
    a_backend,
    a_stored_image,
    put_legacy_file,
    put_v2_file,
    with_images,
)
from support.text_models import a_row, models_csv


def test_making_the_back_end_touches_no_file(tmp_path: Path) -> None:
    a_backend(tmp_path / "base")
    assert list(tmp_path.iterdir()) == []


def test_a_replica_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="PRIMARY"):
        a_backend(tmp_path, replicate_mode=ReplicateMode.REPLICA)


def test_the_folder_of_legacy_files_means_the_one_above(tmp_path: Path) -> None:
    assert a_backend(tmp_path / "legacy").base_path == tmp_path


@pytest.mark.parametrize("category", ["image_generation", MODEL_REFERENCE_CATEGORY.image_generation])
def test_a_category_is_read_by_member_or_text(category: str, tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a", "b"))
    assert backend.fetch_category(category) == {"a": a_stored_image("a"), "b": a_stored_image("b")}
    assert backend.get_category_file_path(category) == tmp_path / "stable_diffusion.json"


def test_what_is_not_there_is_none_and_costs_no_other_category(tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a"))
    assert backend.fetch_category("blip") is None
    assert backend.fetch_category("lora") is None
    assert backend.fetch_category("unheard of") is None
    assert backend.get_category_file_path("unheard of") is None
    assert backend.get_legacy_json("unheard of") is None
    assert set(backend.fetch_category("image_generation") or {}) == {"a"}


def test_all_categories_are_given_in_their_order(tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a"))
    everything = backend.fetch_all_categories()
    assert list(everything) == list(get_all_registered_categories())
    paths = backend.get_all_category_file_paths()
    assert paths["image_generation"] == tmp_path / "stable_diffusion.json"
    assert paths["lora"] is None


def test_clearing_what_was_given_leaves_the_cache_alone(tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a"))
    (backend.fetch_category("image_generation") or {}).clear()
    (backend.get_legacy_json("image_generation") or {}).clear()
    assert set(backend.fetch_category("image_generation") or {}) == {"a"}
    assert set(backend.get_legacy_json("image_generation") or {}) == {"a"}


def test_a_file_that_somebody_rewrites_is_seen_at_the_next_read_and_told(tmp_path: Path) -> None:
    backend, heard = a_backend(with_images(tmp_path, "a")), list[str]()
    backend.register_invalidation_callback(heard.append)
    backend.fetch_category("image_generation")
    assert backend.needs_refresh("image_generation") is False
    with_images(tmp_path, "a", "b")
    assert backend.needs_refresh("image_generation") is True
    assert set(backend.fetch_category("image_generation") or {}) == {"a", "b"}
    assert heard == ["image_generation"]


def test_a_listener_may_read_the_category_it_is_told_of(tmp_path: Path) -> None:
    backend, seen = a_backend(with_images(tmp_path, "a")), list[set[str]]()
    backend.register_invalidation_callback(
        lambda category: seen.append(set(backend.fetch_category(category) or {}))
    )
    backend.fetch_category("image_generation")
    with_images(tmp_path, "a", "b")
    backend.fetch_category("image_generation")
    assert seen == [{"a", "b"}]


def test_a_category_marked_stale_is_told_once_and_read_again(tmp_path: Path) -> None:
    backend, heard = a_backend(with_images(tmp_path, "a")), list[str]()
    backend.register_invalidation_callback(heard.append)
    assert backend.needs_refresh("image_generation") is False, "it was never loaded"
    backend.fetch_category("image_generation")
    backend.mark_stale("image_generation")
    assert backend.needs_refresh("image_generation") is True
    with_images(tmp_path, "a", "b")
    assert set(backend.fetch_category("image_generation") or {}) == {"a", "b"}
    assert heard == ["image_generation"]


def test_marking_an_unknown_category_stale_tells_the_listeners(tmp_path: Path) -> None:
    backend, heard = a_backend(tmp_path), list[str]()
    backend.register_invalidation_callback(heard.append)
    backend.mark_stale("unheard of")
    assert heard == ["unheard of"]
    assert backend.needs_refresh("unheard of") is False


@pytest.mark.parametrize("body", ["", "null", "[]", '{"a": 1}', "{" * 200_000, '{"detail": "x"}', "<html>"])
def test_a_damaged_file_costs_neither_the_good_data_nor_others(
    body: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backend = a_backend(with_images(tmp_path, "a"))
    backend.fetch_category("image_generation")
    (tmp_path / "stable_diffusion.json").write_text(body)
    with caplog.at_level(logging.ERROR):
        assert set(backend.fetch_category("image_generation") or {}) == {"a"}
    assert "stable_diffusion.json" in caplog.text
    assert backend.fetch_category("controlnet_annotator") == {}
    assert a_backend(tmp_path).fetch_category("image_generation") is None


def test_the_legacy_form_is_the_text_of_the_file(tmp_path: Path) -> None:
    body = canonical_file({"Ä": a_legacy_image("Ä")}).replace(b"\n", b"\r\n")
    put_legacy_file(tmp_path, "stable_diffusion.json", body)
    backend = a_backend(tmp_path)
    assert backend.get_legacy_json_string("image_generation") == body.decode()
    assert backend.get_legacy_json("image_generation") == {"Ä": a_legacy_image("Ä")}


def test_the_legacy_form_of_text_models_is_their_expansion(tmp_path: Path) -> None:
    put_legacy_file(tmp_path, "models.csv", models_csv(a_row("acme/Foo-7B")))
    backend = a_backend(tmp_path)
    entries = backend.get_legacy_json("text_generation") or {}
    assert list(entries) == ["acme/Foo-7B", "aphrodite/acme/Foo-7B", "koboldcpp/Foo-7B"]
    assert backend.get_legacy_json_string("text_generation") == (tmp_path / "legacy/db.json").read_text()


@pytest.mark.parametrize("category", ["video_generation", "lora", "controlnet_annotator"])
def test_a_category_without_legacy_form_has_none(category: str, tmp_path: Path) -> None:
    backend = a_backend(tmp_path)
    assert backend.get_legacy_json(category) is None
    assert backend.get_legacy_json_string(category, redownload=True) is None


def test_a_legacy_file_that_is_not_text_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    backend = a_backend(with_images(tmp_path, "a"))
    backend.warm_cache()
    put_legacy_file(tmp_path, "stable_diffusion.json", b"\xff\xfe")
    assert a_backend(tmp_path).get_legacy_json("image_generation") is None
    assert "cannot be used" in caplog.text


def test_a_registered_category_is_read_from_its_file(tmp_path: Path) -> None:
    put_v2_file(tmp_path, "clip", {"a": {"name": "a"}}).rename(tmp_path / "own.json")
    code = (
        "import sys\n"
        "from horde_model_reference.backends import FileSystemBackend\n"
        "from horde_model_reference.meta_consts import CategoryDescriptor, register_category\n"
        "register_category('own', CategoryDescriptor(\n"
        "    domain='image', purpose='miscellaneous', filename='own.json', has_legacy_format=False))\n"
        "print(FileSystemBackend(base_path=sys.argv[1]).fetch_all_categories()['own']['a']['name'])\n"
    )
    assert_silent_success(ran(code, tmp_path), "a\n")


def test_everything_can_be_loaded_ahead_and_counted(tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a"))
    assert backend.get_statistics() == {"cached_categories": 0, "cached_legacy_categories": 0}
    backend.warm_cache()
    assert backend.get_statistics()["cached_categories"] >= len(MODEL_REFERENCE_CATEGORY)
    assert (backend.supports_cache_warming(), backend.supports_statistics()) == (True, True)
    assert backend.cache_ttl_seconds == 60


def test_health_is_a_folder_without_damage(tmp_path: Path) -> None:
    backend = a_backend(tmp_path / "base")
    assert backend.supports_health_checks()
    assert backend.health_check() is False
    with_images(tmp_path / "base", "a")
    assert backend.health_check() is True
    (tmp_path / "base" / "clip.json").write_text("{")
    assert backend.health_check() is False


@pytest.mark.parametrize(("form", "writes"), [("v2", (True, False)), ("legacy", (False, True))])
def test_the_canonical_format_says_what_can_be_written(
    form: str, writes: tuple[bool, bool], tmp_path: Path
) -> None:
    backend = a_backend(tmp_path, canonical_format=form)
    assert backend.canonical_format is CanonicalFormat(form)
    assert (backend.supports_writes(), backend.supports_legacy_writes()) == writes
    assert backend.support_any_writes() is True


def test_metadata_are_there_for_every_category(tmp_path: Path) -> None:
    backend = a_backend(with_images(tmp_path, "a", "b"))
    everything = backend.get_all_metadata()
    assert backend.supports_metadata()
    assert list(everything) == list(get_all_registered_categories())
    found = everything["image_generation"]
    assert (found.total_models, found.total_creates, found.last_operation_type) == (2, 0, None)
    assert found.last_updated == found.initialization_time == found.last_successful_operation > 0
    assert found.metadata_schema_version == "1.0.0"
    assert backend.last_updated("image_generation") == found.last_updated
    assert backend.last_updated("clip") is None, "it was never written"


def test_metadata_of_an_unknown_category_are_a_key_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="unheard of"):
        a_backend(tmp_path).get_metadata("unheard of")


def test_damaged_metadata_are_counted_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    backend = a_backend(with_images(tmp_path, "a"))
    written_at = int((tmp_path / "stable_diffusion.json").stat().st_mtime)
    backend.warm_cache()
    path = tmp_path / "meta/v2/image_generation_metadata.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    found = backend.get_v2_metadata("image_generation")
    assert (found.total_models, found.initialization_time >= written_at) == (1, True)
    assert "counting anew" in caplog.text
